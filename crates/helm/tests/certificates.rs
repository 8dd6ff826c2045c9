//! The certificates that templates make, read back by another library.

use helm::template::{Environment, TemplateSet, World};
use helm::value::{Map, Value};
use jiff::Timestamp;
use x509_parser::prelude::*;

struct Fixed;

impl World for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).expect("a time")
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0xf7);
    }
}

fn render(source: &str) -> String {
    let mut set = TemplateSet::new();
    set.parse("t", source).expect("good syntax");
    set.render("t", &Value::Map(Map::new()), &Environment::new(&Fixed)).expect("a rendering")
}

/// The DER of each certificate in the text.
fn certificates(text: &str) -> Vec<Pem> {
    Pem::iter_from_buffer(text.as_bytes()).map(|pem| pem.expect("PEM")).collect()
}

#[test]
fn an_authority_signs_what_it_should_and_for_as_long_as_it_should() {
    let text = render(
        "{{ $ca := genCA \"my-ca\" 365 }}{{ $ca.Cert }}\
         {{ $cert := genSignedCert \"svc.ns\" (list \"10.0.0.1\" \"::1\") (list \"svc\" \"*.svc\") 30 $ca }}\
         {{ $cert.Cert }}",
    );
    let pems = certificates(&text);
    let [authority, signed] = [0, 1].map(|index| pems[index].parse_x509().expect("a certificate"));
    assert_eq!(authority.subject().to_string(), "CN=my-ca");
    assert!(authority.is_ca());
    assert!(!signed.is_ca());
    assert_eq!(signed.subject().to_string(), "CN=svc.ns");
    assert_eq!(signed.issuer(), authority.subject());
    signed.verify_signature(Some(authority.public_key())).expect("signed by the authority");
    authority.verify_signature(None).expect("signed by itself");
    let validity = signed.validity();
    assert_eq!(validity.not_before.timestamp(), 1_700_000_000);
    assert_eq!(validity.not_after.timestamp(), 1_700_000_000 + 30 * 86_400);
    let names = signed.subject_alternative_name().expect("readable").expect("names");
    assert_eq!(names.value.general_names.len(), 4);
    let usage = authority.key_usage().expect("readable").expect("usages").value;
    assert!(usage.key_cert_sign() && usage.digital_signature() && usage.key_encipherment());
    let extended = signed.extended_key_usage().expect("readable").expect("usages").value;
    assert!(extended.server_auth && extended.client_auth);
    assert!(!signed.serial.to_bytes_be().is_empty());
}

#[test]
fn rsa_keys_come_as_pkcs1_and_are_kept_by_a_certificate() {
    let text = render(
        "{{ $key := genPrivateKey \"rsa\" }}{{ hasPrefix \"-----BEGIN RSA PRIVATE KEY-----\" $key }} \
         {{ eq $key (genCAWithKey \"a\" 1 $key).Key }}",
    );
    assert_eq!(text, "true true");
}

#[test]
fn a_date_that_no_certificate_can_name_is_an_error() {
    let mut set = TemplateSet::new();
    set.parse("t", "{{ genCA \"a\" 9999999999 }}").expect("good syntax");
    let result = set.render("t", &Value::Map(Map::new()), &Environment::new(&Fixed));
    let error = result.expect_err("too late").to_string();
    assert!(error.ends_with("error calling genCA: error creating certificate: its dates are out of range"));
}
