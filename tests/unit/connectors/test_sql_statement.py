"""A query that could do anything but read is refused, whatever it is hidden in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.functions import allowed_functions
from connectors.sql.statement import DATABASES, check, names_days
from connectors.sql.tokens import Refused

READS = [
    ("postgresql", "SELECT date_trunc('day', at)::date AS d, count(*) FILTER (WHERE x > 1) AS n FROM t GROUP BY 1"),
    ("postgresql", "WITH a AS (SELECT 1 UNION ALL SELECT 2) SELECT sum(x) OVER () AS n FROM a JOIN b USING (x)"),
    ("postgresql", "SELECT (data->>'a')::numeric AS n, at AT TIME ZONE 'UTC' AS at FROM s.t WHERE x = ANY(ARRAY[1])"),
    ("postgresql", "SELECT mode() WITHIN GROUP (ORDER BY x) AS n FROM t WHERE at > :today - interval '7'"),
    ("postgresql", "SELECT lower(data->'a') AS a, jsonb_array_length(data->'a'->'b') AS n FROM t"),
    ("postgresql", "SELECT 1 FROM t WHERE a @> b OR a <@ b AND a && b AND x ~* 'x' OR x !~* y AND d ? 'x' OR d ?| b"),
    ("postgresql", "SELECT lower(x) COLLATE \"C\" AS x FROM t ORDER BY 1"),
    ("postgresql", "SELECT ROW(a, b) AS r, ARRAY(SELECT 1) AS x, pg_catalog.date_trunc('day', at) AS d FROM t"),
    ("postgresql", "SELECT overlay(a PLACING 'x' FROM 1 FOR 2) AS o, \"chr\"(65) AS c FROM t"),
    ("postgresql", "SELECT 1 AS n WHERE EXISTS (SELECT FROM t)"),
    ("postgresql", "SELECT (t.name).lower, (t).*, o.*, s.o.id, u & \"b\" FROM t, s.o WHERE a COLLATE x.y > b"),
    ("postgresql", "SELECT e.key, g.d, v.a FROM t, jsonb_each(x) e, generate_series(1, 2) AS g(d), (VALUES (1)) v(a)"),
    ("postgresql", "SELECT u.\"N\", q.n FROM LATERAL (SELECT 1 AS n) q, unnest(a) WITH ORDINALITY AS u(\"N\", i)"),
    ("postgresql", "SELECT u.n, u.i FROM LATERAL unnest(a) WITH ORDINALITY AS u(n, i)"),
    ("postgresql", "SELECT x.a AS n FROM t, JSON_TABLE(t.j, '$' COLUMNS (a int PATH '$.a')) AS x"),
    ("postgresql", "SELECT 1::my.type, CAST(a AS my.type) AS b FROM my.t"),
    ("mariadb", "SELECT NVL(a, JSON_VALUE(b, '$.c')) AS n FROM t USE INDEX (x) IGNORE INDEX FOR JOIN (y)"),
    ("mssql", "SELECT 1 AS n FROM t WITH (NOLOCK)"),
    ("mssql", "SELECT x.a FROM (SELECT 1) AS x (a) CROSS JOIN (VALUES (1, 2)) AS y (b, c) CROSS JOIN t AS [HOLDLOCK]"),
    ("mssql", "WITH c AS (SELECT 1 AS n) SELECT n FROM c OPTION (MAXRECURSION 0)"),
    ("postgresql", "SELECT current_user AS u FROM t WHERE tstzrange(a, b) @> now() AND daterange(a, b) && c"),
    ("snowflake", "SELECT nextval AS n FROM t"),
    ("mysql", "SELECT DATE(at) AS d, IF(a, 1, 0) AS n FROM `t` WHERE at >= DATE_SUB(:today, INTERVAL 7 DAY) # no more"),
    ("mariadb", "SELECT SUM(amount) / 100 AS n, GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ',') AS x FROM t"),
    ("sqlite", "SELECT date(at) AS d, sum(n) AS n FROM t, json_each(t.x) WHERE a || b LIKE 'x%' GROUP BY 1;"),
    ("mssql", "SELECT TOP 1 COUNT(*) AS n FROM [dbo].[t] WHERE CONVERT(date, at) = :today"),
    ("snowflake", "SELECT count_if(x) AS n FROM db.s.t WHERE at >= :start QUALIFY row_number() OVER (ORDER BY x) = 1"),
    ("mssql", "SELECT [delete], 'EXEC x; DROP TABLE t' AS x FROM t ORDER BY 1 OFFSET 3 ROWS FETCH NEXT 1 ROWS ONLY"),
    ("bigquery", "SELECT COUNTIF(x) AS n FROM `p.d.t` WHERE at >= :start AND SAFE_CAST(a AS INT64) > 1"),
]  # fmt: skip

WRITES = [
    ("postgresql", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "writes"),
    ("postgresql", "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "writes"),
    ("postgresql", "SELECT * INTO y FROM t", "INTO"),
    ("postgresql", "SELECT 1 FROM t FOR UPDATE", "locks rows"),
    ("postgresql", "SELECT 1 FROM (SELECT 1 FROM t FOR SHARE) AS q", "locks rows"),
    ("postgresql", "SELECT 1; DROP TABLE t", "2 statements"),
    ("postgresql", "INSERT INTO t VALUES (1)", "begins with INSERT"),
    ("postgresql", "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "begins with MERGE"),
    ("postgresql", "COPY t TO '/tmp/x'", "begins with COPY"),
    ("postgresql", "EXPLAIN ANALYZE DELETE FROM t", "begins with EXPLAIN"),
    ("postgresql", "CALL f()", "begins with CALL"),
    ("postgresql", "SELECT a OPERATOR(public.+) b FROM t", "operator"),
    ("postgresql", "SELECT x.U&\"pg_read_fil\\0065\" FROM lower('/ETC') AS x(u)", "name with escapes"),
    ("postgresql", "SELECT text.pg_read_file FROM CAST('/etc/passwd' AS text)", "whose rows have no name"),
    ("postgresql", "SELECT x.pg_read_file FROM (SELECT 1) (a)", "nothing in FROM has the name x"),
    ("postgresql", "SELECT x.pg_read_file FROM t", "nothing in FROM has the name x"),
    ("postgresql", "SELECT $1", "variable"),
    ("postgresql", "", "0 statements"),
    ("postgresql", "SELECT FROM WHERE", "cannot be read"),
    ("mysql", "SELECT a INTO OUTFILE '/tmp/x' FROM t", "writes its rows into a file by INTO OUTFILE"),
    ("mysql", "SELECT a FROM t INTO DUMPFILE '/tmp/x'", "writes its rows into a file by INTO DUMPFILE"),
    ("mariadb", "SELECT a FROM t WHERE b IN (SELECT c FROM u INTO/**/outfile 'x')", "into a file by INTO OUTFILE"),
    ("mysql", "SELECT a FROM t INTO @x", "cannot be read"),
    ("mysql", "SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "a comment that databases run"),
    ("mariadb", "SELECT 1 /*M!100100 INTO OUTFILE '/tmp/x' */", "a comment that databases run"),
    ("mysql", "SELECT /*+ SET_VAR(sql_mode = '') */ 1", "hint"),
    ("mysql", "SELECT 1 FROM t LOCK IN SHARE MODE", "locks rows"),
    ("mysql", "SELECT @a := 1", "variable"),
    ("mysql", "SELECT @@datadir", "variable"),
    ("mysql", "HANDLER t OPEN", "begins with HANDLER"),
    ("sqlite", "PRAGMA writable_schema = 1", "begins with PRAGMA"),
    ("sqlite", "ATTACH 'x' AS y", "begins with ATTACH"),
    ("mssql", "EXEC xp_cmdshell 'x'", "begins with EXEC"),
    ("mssql", "SELECT NEXT VALUE FOR s", "calls"),
    ("mssql", "SELECT 1 DELETE FROM orders COMMIT", "holds DELETE, with which SQL Server begins another statement"),
    ("mssql", "SELECT 1 FROM t SHUTDOWN", "holds SHUTDOWN"),
    ("mssql", "SELECT 1 FROM t RECONFIGURE", "holds RECONFIGURE"),
    ("mssql", "SELECT 1 FROM t REVERT", "holds REVERT"),
    ("mssql", "SELECT 1 exec, 2 FROM t", "holds EXEC"),
    ("mssql", "SELECT 1 FROM t FETCH", "holds FETCH"),
    ("snowflake", "SELECT 1 ->> DELETE FROM t", "holds ->>"),
    ("sqlite", "SELECT count(*) AS n FROM t WHERE day >= $start", r"names \$start, a variable; the window is :start"),
    ("sqlite", "SELECT count(*) AS n FROM t WHERE day >= @start", "variable"),
    ("sqlite", "SELECT count(*) AS n FROM t WHERE day >= ?1", "the window is :start"),
    ("sqlite", "SELECT count(*) AS n FROM t WHERE day >= ?", "the window is :start"),
    ("postgresql", "SELECT $start", "the window is :start"),
    ("postgresql", "SELECT n FROM t WHERE d >= $1", "the window is :start"),
    ("postgresql", "SELECT n FROM t WHERE d >= {start}", "names {start}, as requests .* the window is :start"),
    ("sqlite", "SELECT n FROM t WHERE d < {end:%Y-%m-%d}", "names {end}, as requests"),
    ("postgresql", "SELECT n FROM t WHERE d>=:from", r"not belong here \(line 1, near ':'\); the window is :start"),
    ("postgresql", "SELECT 1 FROM", "it ends too early"),
    ("postgresql", "SELECT", "selects no column"),
    ("mssql", "SELECT 1 AS n FROM t WITH (UPDLOCK)", "the hint UPDLOCK"),
    ("mssql", "SELECT 1 AS n FROM t WITH (NOLOCK, READPAST)", "the hint READPAST"),
    ("mssql", "SELECT count(*) AS n FROM t x (UPDLOCK, HOLDLOCK)", r"write WITH \(NOLOCK\), or none"),
    ("mssql", "SELECT count(*) AS n FROM u JOIN t AS x (TABLOCKX, HOLDLOCK) ON a = b", "hints in brackets behind x"),
    ("mssql", "SELECT count(*) AS n FROM [dbo].[t] [x] ([READPAST], NOLOCK)", "hints in brackets behind x"),
    ("mssql", "SELECT 1 AS n FROM t OPTION (FORCE ORDER)", "QUERYOPTION"),
    ("mssql", "SELECT count(*) AS n FROM t HOLDLOCK", "the hint HOLDLOCK"),
    ("snowflake", "SELECT s.nextval AS n", "counts a sequence on"),
    ("snowflake", "SELECT db.s.numbers.\"NEXTVAL\" AS n FROM t", "counts a sequence on"),
    ("mariadb", "SELECT `s`.NextVal AS n", "counts a sequence on"),
    ("snowflake", "SELECT n FROM @db.s.stage/x.csv AS t", "which is no name of a table"),
    ("snowflake", "SELECT * FROM '@stage'", "which is no name of a table"),
    ("postgresql", "SELECT %(start)s", "the window is :start"),
    ("postgresql", "SELECT a[1: start] FROM t", "write :start"),
    ("postgresql", "SELECT ':'start, ', pg_sleep(2) AS v -- ' AS a WHERE : start IS NOT NULL", "write :start"),
    ("postgresql", "SELECT ':'start, ', pg_sleep(2) AS v -- ' AS a WHERE :start IS NOT NULL AND a = a[1:end]", "':'"),
]  # fmt: skip

CALLS = {
    "postgresql": (
        "pg_sleep(1)", "pg_catalog.pg_sleep(1)", '"pg_sleep"(1)', "pg_read_file('x')", "lo_import('x')", "nextval('s')",
        "setval('s', 1)",         "set_config('a', 'b', false)", "pg_advisory_lock(1)", "pg_terminate_backend(1)",
        "query_to_xml('x', true, true, '')",
        "dblink('x', 'y')", "public.count(1)", '"Lower"(a)', "pg_notify('a', 'b')", "currval('s')",
        "('/etc/passwd'::text).pg_read_file", "(5::float8).pg_sleep", "(CAST(1 AS bigint)).pg_advisory_lock",
        "(lower('x')).pg_read_file", "('x'::text).dblink_exec.lower", "(o).my_function", "(SELECT 'x').pg_read_file",
        "a[1].pg_read_file", "(a)[1].pg_read_file", 'lower((a)."pg_read_file")', '(a)."Lower"', "(ROW(1)).f",
        "(SELECT x.pg_read_file FROM lower('/ETC') AS x)", "(SELECT x.pg_read_file FROM ROWS FROM (lower(a)) AS x(n))",
        "(SELECT min(x.pg_sleep) FROM unnest(ARRAY[5]) AS x)", "(SELECT x.\"N\" FROM LATERAL lower(a) AS x(N))",
        "(SELECT x.pg_read_file FROM CAST('/etc' AS text) AS x)", "(SELECT x.pg_ls_dir FROM current_user AS x)",
        "(SELECT lower.pg_read_file FROM lower('/ETC') WHERE EXISTS (SELECT 1 FROM lower))",
        "(SELECT 1 FROM lower('/ETC') AS x(n) WHERE EXISTS (SELECT x.n FROM lower(a) AS x))",
        '"PG_CATALOG".lower(a)', "shop.pg_catalog.lower(a)", "array_overlaps(a, b)", "lower(a->pg_sleep(1))",
    ),
    "mysql": ("SLEEP(3)", "LOAD_FILE('/etc/passwd')", "GET_LOCK('a', 1)", "BENCHMARK(1, 2)", "sys.exec('x')"),
    "mariadb": ("NEXTVAL(s)", "sleep(1)", "RELEASE_LOCK('a')"),
    "sqlite": ("load_extension('x')", "writefile('x', 'y')", "readfile('x')", "fts3_tokenizer('x')"),
    "mssql": ("OPENROWSET('a', 'b', 'c')", "xp_cmdshell('x')"),
    "snowflake": ("SYSTEM$WAIT(3)", "SYSTEM$CANCEL_ALL_QUERIES(1)"),
    "bigquery": ("EXTERNAL_QUERY('c', 'x')",),
}  # fmt: skip
DANGERS = [(database, call) for database, calls in CALLS.items() for call in calls]


@pytest.mark.parametrize(("database", "query"), READS)
def test_query_that_reads_is_accepted(database: str, query: str) -> None:
    check(query, database)


@pytest.mark.parametrize(("database", "query", "why"), WRITES)
def test_query_that_does_more_is_refused(database: str, query: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check(query, database)


@pytest.mark.parametrize(("database", "call"), DANGERS)
def test_function_that_is_not_on_the_list_is_named(database: str, call: str) -> None:
    with pytest.raises(Refused, match=r"calls .* may add it to 'functions'"):
        check(f"SELECT {call} AS n", database)


def test_quoted_name_of_a_function_is_another_function() -> None:
    for call in ('"Overlay"(a, b, c)', '"Trim"(a)', '"Substring"(a, 1)'):
        with pytest.raises(Refused, match="calls"):
            check(f"SELECT {call} AS n", "postgresql")


def test_semicolon_is_cut_off_at_the_end_alone() -> None:
    query = "SELECT string_agg(n, ';') AS \";\" FROM t WHERE kind NOT IN (';')"
    assert check(f"{query} ; -- that is all", "postgresql").text("named") == query
    for ends in (";;", "; SELECT 2", ";;--"):
        with pytest.raises(Refused):
            check(f"{query}{ends}", "postgresql")
    query = 'SELECT n FROM pg_sleep ";" (n)'
    assert check(query, "postgresql").text("named") == query


@pytest.mark.parametrize("text", ["SELECT a AS n", "SELECT 'a' AS n, b", "SELECT 'b' AS n"])
def test_text_that_reads_in_another_way_than_the_query_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with how a text is put together."""
    monkeypatch.setattr("connectors.sql.statement.rebuilt", lambda *_: (text,))
    with pytest.raises(Refused, match="means another thing"):
        check("SELECT 'a' AS n -- of a text put together wrongly", "postgresql")


def test_parameter_grows_together_with_nothing() -> None:
    """`BETWEEN$1` is a name in PostgreSQL, and `'a''2026-10-01'` one text in MySQL."""
    statement = check("SELECT n FROM t WHERE d BETWEEN:start AND:end", "postgresql")
    assert statement.text("named") == "SELECT n FROM t WHERE d BETWEEN :start AND :end"
    assert names_days("SELECT n FROM t WHERE d BETWEEN:start AND 3")
    text = check("SELECT f(:start) AS n, d=:end'x', ':'start FROM t", "sqlite", frozenset({"f"})).text("named")
    assert text == "SELECT f(:start) AS n, d= :end 'x', ':'start FROM t"


def test_connection_may_allow_a_function_by_the_name_that_is_written() -> None:
    check("SELECT fiscal_year(at) AS n FROM t", "postgresql", frozenset({"fiscal_year"}))
    check("SELECT shop.fiscal_year(at) AS n FROM t", "postgresql", frozenset({"shop.fiscal_year"}))
    with pytest.raises(Refused):
        check("SELECT other.fiscal_year(at) AS n FROM t", "postgresql", frozenset({"fiscal_year"}))


PLACES = st.recursive(
    st.just("SELECT {} AS n"),
    lambda inner: st.sampled_from([
        "SELECT n FROM ({}) AS q",
        "WITH c AS ({}) SELECT n FROM c",
        "SELECT 1 AS n UNION ALL {}",
        "SELECT 1 AS n FROM t WHERE EXISTS ({})",
        "SELECT 1 AS n FROM t WHERE a IN ({})",
        "SELECT CASE WHEN a THEN ({}) END AS n FROM t",
        "SELECT coalesce(({}), 0) AS n FROM t",
        "SELECT sum(a) AS n FROM t GROUP BY b HAVING sum(a) > ({})",
        "SELECT a AS n FROM t ORDER BY ({})",
    ]).flatmap(lambda outer: inner.map(lambda place: outer.replace("{}", place))),
    max_leaves=4,
)  # fmt: skip


@given(
    place=PLACES,
    danger=st.sampled_from([danger for danger in DANGERS if danger[0] in ("postgresql", "mariadb", "sqlite")]),
)
def test_call_is_refused_wherever_it_stands(place: str, danger: tuple[str, str]) -> None:
    database, call = danger
    check(place.replace("{}", "lower(a)"), database)
    with pytest.raises(Refused, match="calls"):
        check(place.replace("{}", call), database)


@given(st.text(alphabet=st.sampled_from("SELECT *FROM t,()'\"`;:-/!#@$\\\n1ax"), max_size=60))
def test_text_is_accepted_or_refused_and_nothing_else(text: str) -> None:
    for database in ("postgresql", "mariadb", "sqlite"):
        try:
            statement = check(f"SELECT {text}", database)
        except Refused:
            continue
        assert "/*" not in "".join(statement.parts).replace("'", "") or "'" in text


def test_every_function_on_the_list_can_be_called() -> None:
    forms = ("a", "a, b", "a, b, c", "", "*", "DAY, a, b", "a, INTERVAL 1 DAY", "year FROM a", "a, DAY", "a AS date",
             "a, b, DAY", "a, date", "a, '$' COLUMNS (x int PATH '$')", "a IN b", "DAY, a", "a, b, c, d", "SELECT 1",
             "a PLACING b FROM 1")  # fmt: skip
    for database in DATABASES:
        for name in sorted(allowed_functions(database)):
            assert any(_is_accepted(f"SELECT {name}({form}) AS x FROM t", database) for form in forms), (database, name)


def _is_accepted(query: str, database: str) -> bool:
    try:
        check(query, database)
    except Refused:
        return False
    return True


def test_parameters_are_bound_and_texts_are_left_alone() -> None:
    query = (
        "SELECT ':start' AS a, x::date AS b, '12:30' AS c, '10%' AS d -- :end\n"
        "FROM t WHERE at >= :start AND at < :end /* :today */"
    )
    statement = check(query, "postgresql")
    assert statement.parts[1::2] == ("start", "end")
    text = "SELECT ':start' AS a, x::date AS b, '12:30' AS c, '10%' AS d FROM t WHERE at >= :start AND at < :end"
    assert statement.text("named") == text
    assert "'10%%' AS d FROM t WHERE at >= %(start)s AND at < %(end)s" in statement.text("pyformat")
    assert names_days(query)
    assert not names_days("SELECT x::start AS n FROM t")
    with pytest.raises(Refused, match="names the parameter :stard; the nearest is 'start'"):
        check("SELECT :stard AS n", "postgresql")
