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

from syncd.sdk.credentials import keys_in_address
from syncd.sdk.escapes import Unescaped
from syncd.sdk.redactor import MASK, Redactor, without_any_secret
from syncd.sdk.sentences import sentence

SECRET = 'Pl4nt/+"<&=% é\\end'


def _pairs(octets: bytes) -> list[bytes]:
    return [octets[place : place + 2] for place in range(0, len(octets), 2)]


FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "an address": lambda text: quote(text, safe=""),
    "an address in lower case": lambda text: quote(text, safe="").lower().replace("pl4nt", "Pl4nt"),
    "a form": quote_plus,
    "an address in an address": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON by code points": lambda text: "".join(
        f"\\u{ord(character):04X}" if ord(character) < 0x10000 else json.dumps(character)[1:-1] for character in text
    ),
    "HTML": html.escape,
    "HTML by code points": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "HTML by decimal code points": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "JSON by halves of code points": lambda text: "".join(
        f"\\u{int.from_bytes(pair, 'little'):04x}"
        for character in text
        for pair in _pairs(character.encode("utf-16-le", "surrogatepass"))
    ),
    "Python by code points": lambda text: "".join(f"\\U{ord(character):08X}" for character in text),
    "JavaScript by code points": lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
    "HTML by halves of code points": lambda text: "".join(
        f"&#{int.from_bytes(pair, 'little')};"
        for character in text
        for pair in _pairs(character.encode("utf-16-le", "surrogatepass"))
    ),
    "a repr of bytes": lambda text: repr(text.encode())[2:-1],
    "a repr": lambda text: repr(text)[1:-1],
    "an address in Latin-1": lambda text: quote(text.encode("latin-1"), safe=""),
    "JSON in an address": lambda text: quote(json.dumps(text)[1:-1], safe=""),
    "an address in HTML in JSON": lambda text: json.dumps(html.escape(quote(text).replace("%", "&#37;")))[1:-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_masked_in_each_form(form: str) -> None:
    text = f"before {FORMS[form](SECRET)} after"
    assert Redactor([SECRET])(text) == f"before {MASK} after"


CHARACTERS = st.one_of(st.characters(exclude_categories=["Cc", "Cs"]), st.sampled_from("\\%&+;#ux0Ué\N{KEY}"))


@given(st.text(CHARACTERS, min_size=8, max_size=40), st.data())
@settings(max_examples=examples(60))
def test_any_secret_is_masked_in_any_form(secret: str, data: st.DataObject) -> None:
    exact = [form for form in FORMS if not form.endswith(("lower case", "Latin-1"))]  # those may mean other texts too
    form = FORMS[data.draw(st.sampled_from(exact))]
    assert Redactor([secret])(f"<{form(secret)}>").replace("*", "") == "<>"  # a text of backslashes may be masked twice


@pytest.mark.parametrize("form", [form for form in FORMS if "Latin-1" not in form])
def test_secret_beyond_latin_1_is_masked_in_each_form(form: str) -> None:
    secret = "Pl4nt-Ω-\N{KEY}-0123"
    text = f"before {FORMS[form](secret)} after"
    assert Redactor([secret])(text) == f"before {MASK} after"


@pytest.mark.parametrize(
    "parted", ["Pl4nt-\0of-a-driver", "Pl4nt\x1b-of\u202e-a-dri\x7fver", "Pl4nt\\u0000-of-a-driver"]
)
def test_secret_is_masked_although_control_characters_part_it(parted: str) -> None:
    assert Redactor(["Pl4nt-of-a-driver"])(f"<{parted}>") == f"<{MASK}>"


def test_secret_of_escapes_masks_no_ordinary_word() -> None:
    redactor = Redactor(["a%20b%20c", r"\\\\\key"])
    assert redactor("a b c, a+b+c and the key of all") == "a b c, a+b+c and the key of all"
    assert redactor(r"a%20b%20c a%2520b%2520c \\\\\key") == f"{MASK} {MASK} {MASK}"


def test_secret_of_digits_is_compared_as_a_text() -> None:
    redactor = Redactor(["007", "00000007"], shortest=3)
    assert redactor("7 of 7.0 with 007, 0007 and 00000007") == f"7 of 7.0 with {MASK}, 0{MASK} and {MASK}"


def test_escapes_are_undone_once_for_all_redactors(monkeypatch: pytest.MonkeyPatch) -> None:
    redactors = [Redactor([f"Pl4nt-{number:04}"]) for number in range(20)]
    undone: list[str] = []

    class Counted(Unescaped):
        def __init__(self, text: str) -> None:
            undone.append(text)
            super().__init__(text)

    monkeypatch.setattr("syncd.sdk.redactor.Unescaped", Counted)
    assert without_any_secret("%50l4nt-0000 %50l4nt-0019") == f"{MASK} {MASK}"
    assert (len(undone), len(redactors)) == (1, 20)


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


def test_token_in_the_place_of_a_user_is_a_secret() -> None:
    token = "Pl4nt-token-0123456"
    for url in (f"https://{token}@h/", f"https://{token}:@h/", f"https://{token}:x-oauth-basic@h/"):
        user = url.partition("//")[2].partition("@")[0]
        header = b64encode((user if ":" in user else f"{user}:").encode()).decode()
        assert Redactor(keys_in_address(url))(f"{token} Basic {header}") == f"{MASK} Basic {MASK}"
        redactor = Redactor()
        redactor.learn_sent({"authorization": f"Basic {header}"}, None)
        assert redactor(f"{token} {header}") == f"{MASK} {MASK}"


def test_name_beside_a_password_is_no_secret() -> None:
    redactor = Redactor(keys_in_address("https://okr-sender:Pl4nt-pw@h/v1/platform-crew?view=everything&of=2026-11-21"))
    redactor.learn_sent(
        {"authorization": f"Basic {b64encode(b'bot-7-of-the-okrs@acme.example:Pl4nt-pw').decode()}"}, None
    )
    names = "okr-sender platform-crew everything 2026-11-21 bot-7-of-the-okrs@acme.example"
    assert redactor(f"{names} Pl4nt-pw") == f"{names} {MASK}"


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


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example/platform-team-2026/figures",
        "https://api.example/figures?project=web-2024&author=ann12345",
        "https://api.example/figures?api-version=2024-02-15-preview&since=2026-10-01T00:00",
    ],
)
def test_names_and_days_in_an_address_are_no_secrets(address: str) -> None:
    assert not list(filter(None, keys_in_address(address)))


def test_key_in_an_address_is_a_secret_by_its_looks() -> None:
    address = "https://api.example/a1b2c3d4e5f6a7b8/figures?of=z9y8x7w6v5u4t3s2"
    assert {"a1b2c3d4e5f6a7b8", "z9y8x7w6v5u4t3s2"} <= set(keys_in_address(address))
