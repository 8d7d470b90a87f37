"""A redactor masks each secret that it knows, in every form in which a server may repeat it."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sdk.redactor import MASK, Redactor, keys_in_address
from syncd.sdk.sentences import sentence

SECRET = 'Pl4nt/+"<&=% é\\end'
FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "an address": lambda text: quote(text, safe=""),
    "an address in lower case": lambda text: quote(text, safe="").lower().replace("pl4nt", "Pl4nt"),
    "a form": quote_plus,
    "an address in an address": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON by code points": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "HTML": html.escape,
    "HTML by code points": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "HTML by decimal code points": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "a repr": lambda text: repr(text)[1:-1],
    "an address in Latin-1": lambda text: quote(text.encode("latin-1"), safe=""),
    "JSON in an address": lambda text: quote(json.dumps(text)[1:-1], safe=""),
    "an address in HTML in JSON": lambda text: json.dumps(html.escape(quote(text).replace("%", "&#37;")))[1:-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_masked_in_each_form(form: str) -> None:
    text = f"before {FORMS[form](SECRET)} after"
    assert Redactor([SECRET])(text) == f"before {MASK} after"


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=8, max_size=40), st.data())
@settings(max_examples=examples(30))
def test_any_secret_is_masked_in_any_form(secret: str, data: st.DataObject) -> None:
    exact = [form for form in FORMS if not form.endswith(("lower case", "Latin-1"))]  # those may mean other texts too
    form = FORMS[data.draw(st.sampled_from(exact))]
    assert Redactor([secret])(f"<{form(secret)}>").replace("*", "") == "<>"  # a text of backslashes may be masked twice


def test_text_around_an_escaped_secret_stays_as_it_is() -> None:
    around = r"{\"a\": \"\\u00e9 %%41 &amp; 1+1 \\\\%s\" &lt;%s& \\n\", %%zz"
    secret = "Pl4nt+0123"
    text = around % (quote(secret), json.dumps(secret)[1:-1])
    assert Redactor([secret])(text) == around % (MASK, MASK)


def test_longer_secret_is_masked_before_a_shorter_one_within_it() -> None:
    assert Redactor(["Pl4nt-one", "Pl4nt-one-and-more"])("Pl4nt-one-and-more Pl4nt-one") == f"{MASK} {MASK}"


def test_each_line_of_a_key_is_a_secret() -> None:
    assert Redactor(["-----BEGIN-----\nMIIEvQIBADAN\n-----END-----"])("at MIIEvQIBADAN") == f"at {MASK}"


def test_credentials_of_a_request_are_secrets() -> None:
    redactor = Redactor()
    basic = b64encode(b"bot@acme.example:Pl4nt-token").decode()
    redactor.learn_sent({"authorization": f"Basic {basic}", "accept": "application/json"}, None)
    redactor.learn_sent({"x-api-key": "Pl4nt-key-1"}, None)
    form = {"content-type": "application/x-www-form-urlencoded"}
    redactor.learn_sent(form, b"grant_type=urn-jwt-bearer&assertion=eyJ.Pl4nt")
    text = f"{basic} Pl4nt-token Pl4nt-key-1 eyJ.Pl4nt application/json urn-jwt-bearer"
    assert redactor(text) == f"{MASK} {MASK} {MASK} {MASK} application/json urn-jwt-bearer"


def test_fetched_tokens_do_not_grow_without_bound() -> None:
    redactor = Redactor(["Pl4nt-of-the-settings"])
    for number in range(1000):
        redactor.learn_sent({"authorization": f"Bearer Pl4nt-{number:04}"}, None)
    assert redactor("Pl4nt-0000 Pl4nt-0999 Pl4nt-of-the-settings") == f"Pl4nt-0000 {MASK} {MASK}"


def test_keys_of_an_address_are_secrets_and_its_host_is_none() -> None:
    url = "https://bot:Pl4nt-pw@hooks.acme.example/services/T00000000Pl4nt0001/rest/api?key=Pl4nt-key"
    masked = Redactor(keys_in_address(url))(url)
    assert masked == f"https://bot:{MASK}@hooks.acme.example/services/{MASK}/rest/api?key={MASK}"


def test_user_and_password_of_an_address_are_a_secret_as_a_header_sends_them() -> None:
    header = b64encode(b"bot:Pl4nt-p/w").decode()
    assert Redactor(keys_in_address("http://bot:Pl4nt-p%2Fw@proxy:3128"))(f"Basic {header}") == f"Basic {MASK}"


@pytest.mark.parametrize("url", ["https://[Pl4nt-key-1", "https://h:Pl4nt-key-1@["])
def test_address_that_cannot_be_read_is_a_secret(url: str) -> None:
    assert Redactor(keys_in_address(url))(f"<{url}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    "body", ['{{"message": "{}"}}', "{}", "<title>{}</title>", '{{"values": ["{}"]}}', '{{"broken": "{}']
)
@pytest.mark.parametrize("before", [0, 140, 155, 990, 199_990])
def test_no_half_of_a_secret_is_left_where_a_sentence_is_cut(body: str, before: int) -> None:
    secret = "Pl4nt-0123456789-0123456789"
    text = sentence(body.format("x" * before + secret), Redactor([secret]))
    assert "Pl4" not in text
