"""Passwords, SSH keys and certificates, and the forms that are derived from them."""

from __future__ import annotations

import base64
from datetime import timedelta

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Derived, Form, Generator
from generator.secrets.making.authority import issue, still_valid, suitable_authority
from generator.secrets.making.forms import plain_form, salted_form
from generator.secrets.making.generators import external, password, ssh_key, wireguard_key
from generator.secrets.making.wireguard import public_half
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import NOW

# RFC 7748, 5.2: the base point, once, as a scalar.
_SCALAR, _ITS_POINT = "09" + 31 * "00", "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
NAMES = ("home.example.com", "*.home.example.com")


def test_passwords_have_their_length_and_no_number_shape() -> None:
    made = [password(32, NOW).secret.reveal().decode() for _ in range(2000)]
    for text in made:
        assert len(text) == 32
        assert text[0].isalpha()
        assert text[0] not in "eE"
        assert not set(text) & set("$:\"'\\ \t\n")
    assert len(set(made)) == len(made)
    assert len(set("".join(made))) == 64


def test_ssh_keys_are_ed25519_in_openssh_s_format() -> None:
    record = ssh_key("argocd@home", NOW)
    private = serialization.load_ssh_private_key(record.secret.reveal(), None)
    public = serialization.load_ssh_public_key(record.public["public"].encode())
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    assert private.public_key() == public
    assert record.public["public"].endswith(" argocd@home")
    assert plain_form(Form.PRIVATE, record) == record.secret
    assert plain_form(Form.PUBLIC, record).reveal().decode() == record.public["public"]


def test_wireguard_keys_are_as_its_own_tools_write_them() -> None:
    """32 bytes in base64, clamped."""
    scalar = bytes.fromhex(_SCALAR)
    assert base64.b64decode(public_half(base64.b64encode(scalar))).hex() == _ITS_POINT
    made = [wireguard_key(NOW) for _ in range(50)]
    for record in made:
        private = base64.b64decode(record.secret.reveal(), validate=True)
        assert len(private) == 32
        assert (private[0] & 7, private[31] >> 6) == (0, 1)
        assert record.public == {"public": public_half(record.secret.reveal())}
        assert plain_form(Form.PRIVATE, record) == record.secret
    assert len({record.secret for record in made}) == len(made)
    for wrong in (b"", b"AAAA", b"no base64", base64.b64encode(scalar + b"x")):
        with pytest.raises(ValueError):
            public_half(wrong)


def test_certificates_are_signed_by_the_clusters_authority() -> None:
    authority = suitable_authority(None, "home", 825, NOW)
    record = issue(authority, NAMES, 825, NOW)
    leaf, ca = x509.load_pem_x509_certificates(plain_form(Form.CERT, record).reveal())
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    key = serialization.load_pem_private_key(plain_form(Form.KEY, record).reveal(), None)
    assert names.get_values_for_type(x509.DNSName) == list(NAMES)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=825)
    assert ca.not_valid_after_utc - ca.not_valid_before_utc == timedelta(days=3650)
    assert plain_form(Form.CA, record).reveal().decode() == authority.certificate
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == leaf.public_key()
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_certificate_is_valid_for_its_names_until_30_days_before_its_end() -> None:
    record = issue(suitable_authority(None, "home", 90, NOW), NAMES, 90, NOW)
    assert still_valid(record, NAMES, NOW + timedelta(days=60))
    assert not still_valid(record, NAMES, NOW + timedelta(days=60, seconds=1))
    assert not still_valid(record, NAMES[:1], NOW)


def test_a_short_lived_certificate_is_kept_for_two_thirds_of_its_life() -> None:
    record = issue(suitable_authority(None, "home", 3, NOW), NAMES, 3, NOW)
    assert still_valid(record, NAMES, NOW)
    assert still_valid(record, NAMES, NOW + timedelta(days=2))
    assert not still_valid(record, NAMES, NOW + timedelta(days=2, seconds=1))


def test_an_authority_is_replaced_only_when_a_leaf_would_outlive_it() -> None:
    authority = suitable_authority(None, "home", 825, NOW)
    assert suitable_authority(authority, "home", 825, NOW + timedelta(days=3650 - 825)) == authority
    assert suitable_authority(authority, "home", 825, NOW + timedelta(days=3650 - 824)) != authority


def test_mtime_ends_sessions_of_the_second_in_which_the_value_was_made() -> None:
    assert plain_form(Form.MTIME, password(32, NOW)).reveal() == b"2026-11-24T09:30:01Z"


def test_raw_is_the_value_itself() -> None:
    record = external(b"\x00\xff binary \n", NOW)
    assert record.generator is Generator.EXTERNAL
    assert plain_form(Form.RAW, record).reveal() == b"\x00\xff binary \n"


def test_bcrypt_has_argo_cds_prefix_and_cost() -> None:
    hashed = salted_form(Derived("admin", Form.BCRYPT, cost=5), Plaintext(b"hunter2"), "argocd/x").reveal()
    assert hashed.startswith(b"$2a$05$")
    assert bcrypt.checkpw(b"hunter2", hashed)
    assert not bcrypt.checkpw(b"hunter3", hashed)


def test_htpasswd_is_one_line_with_apaches_prefix() -> None:
    datum = Derived("admin", Form.HTPASSWD, cost=4, user="ops")
    user, hashed = salted_form(datum, Plaintext(b"hunter2"), "x/y").reveal().split(b":")
    assert user == b"ops"
    assert hashed.startswith(b"$2y$04$")
    assert b"\n" not in hashed
    assert bcrypt.checkpw(b"hunter2", hashed)


def test_bcrypt_refuses_what_it_would_cut_off() -> None:
    datum = Derived("token", Form.BCRYPT, cost=4)
    assert salted_form(datum, Plaintext(b"x" * 72), "a/b: c")
    with pytest.raises(BadInputError, match="longer than the 72 bytes") as caught:
        salted_form(datum, Plaintext(b"secretsecret" * 7), "a/b: c")
    assert caught.value.where == "a/b: c"
    assert "secretsecret" not in str(caught.value)
