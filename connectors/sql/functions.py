"""The functions that every query may call. These functions only compute a result from their arguments.

The lists leave out functions that read files, wait, take locks, run SQL, advance a sequence or change a setting. The
lists also leave out functions that nobody has checked. A connection may add functions by `functions:`.
"""

from __future__ import annotations

from functools import cache

_ALL = """
abs avg cast ceil ceiling coalesce concat concat_ws count cume_dist current_date current_time current_timestamp
dense_rank exp extract first_value floor greatest lag last_value lead least left length ln log lower lpad ltrim max min
mod nth_value ntile nullif percent_rank pi position power pow rank replace reverse right round row_number rpad rtrim
sign sqrt stddev stddev_pop stddev_samp substr substring sum trim upper var_pop var_samp variance
"""

_BY_DATABASE = {
    "postgresql": """
age any_value array array_agg array_length array_position array_to_string ascii bit_and bit_or bool_and bool_or btrim
cardinality cbrt char_length character_length chr clock_timestamp corr covar_pop covar_samp current_user date date_bin
date_part date_trunc daterange div every format generate_series grouping initcap int4range int8range isfinite json_agg
json_array_elements json_array_elements_text json_array_length json_build_object json_each json_each_text
json_extract_path json_extract_path_text json_object_agg json_typeof jsonb_agg jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
jsonb_extract_path_text jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_path_query_first
jsonb_typeof justify_days justify_hours justify_interval localtime localtimestamp make_date make_interval make_timestamp
make_timestamptz md5 mode now num_nonnulls numrange overlay percentile_cont percentile_disc random regexp_count
regexp_like regexp_match regexp_matches regexp_replace regexp_substr regr_slope repeat row row_to_json scale split_part
starts_with statement_timestamp string_agg string_to_array strpos timezone to_char to_date to_json to_jsonb to_number
to_timestamp transaction_timestamp translate trunc tsrange tstzrange unnest width_bucket
""",
    "mysql": """
adddate addtime any_value bit_and bit_count bit_or char_length character_length convert convert_tz curdate curtime
date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear elt field find_in_set format
from_days from_unixtime group_concat grouping hex hour if ifnull instr isnull json_arrayagg json_contains json_extract
json_keys json_length json_objectagg json_table json_type json_unquote json_valid json_value last_day lcase localtime
localtimestamp locate makedate maketime md5 microsecond mid minute month monthname now period_add period_diff quarter
rand regexp_instr regexp_like regexp_replace regexp_substr sec_to_time second std str_to_date strcmp subdate
substring_index subtime sysdate time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_days
to_seconds truncate ucase unix_timestamp utc_date utc_time utc_timestamp values week weekday weekofyear year yearweek
""",
    "sqlite": """
char date datetime format glob group_concat hex ifnull iif instr json json_array_length json_each json_extract
json_group_array json_group_object json_tree json_type json_valid julianday like likelihood likely median nullif
printf random strftime string_agg time timediff total trunc typeof unicode unixepoch unlikely
""",
    "mssql": """
charindex choose concat count_big convert cast dateadd datediff datediff_big datefromparts datename datepart datetrunc
datetime2fromparts datetimeoffsetfromparts day eomonth format getdate getutcdate iif isdate isnull isnumeric
json_query json_value len month parse patindex percentile_cont percentile_disc quotename replicate space square stdev
stdevp str string_agg stuff sysdatetime sysdatetimeoffset sysutcdatetime switchoffset todatetimeoffset translate
try_cast try_convert try_parse unicode var varp year
""",
    "snowflake": """
any_value approx_count_distinct approx_percentile array_agg array_size boolagg_and boolagg_or charindex contains
convert_timezone count_if current_timestamp date date_from_parts date_part date_trunc dateadd datediff day dayname
dayofmonth dayofweek dayofyear decode div0 div0null endswith equal_null flatten get get_path hour iff ifnull ilike
initcap is_null_value last_day len listagg localtimestamp median minute mode month monthname nvl nvl2 object_keys
parse_json percentile_cont percentile_disc quarter ratio_to_report regexp_count regexp_like regexp_replace
regexp_substr second split_part startswith sysdate time timeadd timediff timestamp_from_parts timestampadd
timestampdiff to_boolean to_char to_date to_decimal to_double to_json to_number to_numeric to_time to_timestamp
to_timestamp_ltz to_timestamp_ntz to_timestamp_tz to_varchar to_variant translate trunc try_cast try_to_date
try_to_decimal try_to_double try_to_number try_to_timestamp typeof week weekofyear year yearofweek zeroifnull
""",
    "bigquery": """
any_value approx_count_distinct approx_quantiles array_agg array_length char_length contains_substr corr countif
current_datetime date date_add date_diff date_from_unix_date date_sub date_trunc datetime datetime_add datetime_diff
datetime_sub datetime_trunc div ends_with extract format format_date format_datetime format_timestamp
generate_array generate_date_array generate_timestamp_array ieee_divide if ifnull initcap instr is_inf is_nan
json_extract json_extract_scalar json_query json_value last_day logical_and logical_or parse_date parse_datetime
parse_json parse_numeric parse_timestamp percentile_cont percentile_disc regexp_contains regexp_extract
regexp_replace safe_add safe_cast safe_divide safe_multiply safe_subtract split starts_with string string_agg strpos
timestamp timestamp_add timestamp_diff timestamp_micros timestamp_millis timestamp_seconds timestamp_sub
timestamp_trunc translate trunc unix_date unix_millis unix_seconds unnest
""",
}
_BY_DATABASE["mariadb"] = _BY_DATABASE["mysql"] + "median nvl percentile_cont percentile_disc to_char"


@cache
def allowed_functions(database: str) -> frozenset[str]:
    """The functions that a query may call, in lower case; `database` is SQLAlchemy's name of the database."""
    return frozenset(f"{_ALL} {_BY_DATABASE[database]}".split())
