//! Certificates: authorities, self-signed ones, and what they sign.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, SanType, SerialNumber,
};

use super::keys::{self, PrivateKey};
use crate::functions::{
    Answer, COSTLY, Function, FunctionError, Host, INT, STRING, fixed, hosted, integer_of, text_of,
};
use crate::template::format::plain;
use crate::value::{Struct, Type, Value};

const CERTIFICATE: Type = Type::Object(TYPE);
const TYPE: &str = "sprig.certificate";
const LIST: Type = Type::List;

pub(super) const TABLE: &[Function] = &[
    hosted("genCA", &[STRING, INT], None, |host, arguments| authority(host, arguments, keys::new_rsa()?))
        .costing(COSTLY),
    hosted("genCAWithKey", &[STRING, INT, STRING], None, |host, arguments| {
        authority(host, arguments, given_key(&arguments[2])?)
    })
    .costing(COSTLY),
    hosted("genSelfSignedCert", &[STRING, LIST, LIST, INT], None, |host, arguments| {
        self_signed(host, arguments, keys::new_rsa()?)
    })
    .costing(COSTLY),
    hosted("genSelfSignedCertWithKey", &[STRING, LIST, LIST, INT, STRING], None, |host, arguments| {
        self_signed(host, arguments, given_key(&arguments[4])?)
    })
    .costing(COSTLY),
    hosted("genSignedCert", &[STRING, LIST, LIST, INT, CERTIFICATE], None, |host, arguments| {
        signed(host, arguments, keys::new_rsa()?)
    })
    .costing(COSTLY),
    hosted(
        "genSignedCertWithKey",
        &[STRING, LIST, LIST, INT, CERTIFICATE, STRING],
        None,
        |host, arguments| signed(host, arguments, given_key(&arguments[5])?),
    )
    .costing(COSTLY),
    fixed("buildCustomCert", &[STRING, STRING], custom),
];

fn given_key(pem: &Value) -> Result<PrivateKey, FunctionError> {
    keys::parse(text_of(pem)).map_err(|error| format!("parsing private key: {error}").into())
}

fn certificate(certificate: String, key: String) -> Value {
    Value::object(Struct::new(TYPE, vec![("Cert", certificate.into()), ("Key", key.into())]))
}

/// The last second that a certificate can name: the end of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;
const DAY_SECONDS: i64 = 86_400;

/// What all certificates of Sprig have in common.
fn parameters(host: &dyn Host, name: &Value, days: &Value) -> Result<CertificateParams, FunctionError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, text_of(name));
    let mut serial = [0; 16];
    host.world().fill_random(&mut serial);
    // A serial number is positive.
    serial[0] &= 0x7f;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    let start = host.world().now().as_second();
    let end = integer_of(days).checked_mul(DAY_SECONDS).and_then(|valid| start.checked_add(valid));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| {
        let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= SECONDS_MAX as u64);
        seconds.map(|seconds| epoch + Duration::from_secs(seconds))
    };
    let out_of_range = || FunctionError::from("error creating certificate: its dates are out of range");
    parameters.not_before = at(start).ok_or_else(out_of_range)?;
    parameters.not_after = end.and_then(at).ok_or_else(out_of_range)?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.is_ca = IsCa::ExplicitNoCa;
    Ok(parameters)
}

fn add_names(
    parameters: &mut CertificateParams,
    addresses: &Value,
    names: &Value,
) -> Result<(), FunctionError> {
    let items = |value: &Value| value.as_list().map(|list| list.to_vec()).unwrap_or_default();
    for name in items(names) {
        let Value::String(name) = &name else {
            let shown = plain(&name);
            return Err(format!("error processing alternate dns name: {shown} is not a string").into());
        };
        let name = name.to_string();
        let wrong = |error| format!("error creating certificate: the name {name:?} is no DNS name: {error}");
        parameters.subject_alt_names.push(SanType::DnsName(name.clone().try_into().map_err(wrong)?));
    }
    for address in items(addresses) {
        let Value::String(address) = &address else {
            return Err(format!("error parsing ip: {} is not a string", plain(&address)).into());
        };
        let parsed: IpAddr = address.parse().map_err(|_| format!("error parsing ip: {address}"))?;
        parameters.subject_alt_names.push(SanType::IpAddress(parsed));
    }
    Ok(())
}

fn creating(error: rcgen::Error) -> FunctionError {
    format!("error creating certificate: {error}").into()
}

fn authority(host: &mut dyn Host, arguments: &[Value], key: PrivateKey) -> Answer {
    let mut parameters = parameters(host, &arguments[0], &arguments[1])?;
    parameters.key_usages.push(KeyUsagePurpose::KeyCertSign);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = parameters.self_signed(&key.pair).map_err(creating)?;
    Ok(certificate(keys::pem_text("CERTIFICATE", made.der()), key.pem))
}

fn self_signed(host: &mut dyn Host, arguments: &[Value], key: PrivateKey) -> Answer {
    let mut parameters = parameters(host, &arguments[0], &arguments[3])?;
    add_names(&mut parameters, &arguments[1], &arguments[2])?;
    let made = parameters.self_signed(&key.pair).map_err(creating)?;
    Ok(certificate(keys::pem_text("CERTIFICATE", made.der()), key.pem))
}

fn signed(host: &mut dyn Host, arguments: &[Value], key: PrivateKey) -> Answer {
    let field = |name: &str| match &arguments[4] {
        Value::Object(issuer) => issuer.field(name).and_then(|value| value.as_str().map(str::to_owned)),
        _ => None,
    };
    let (issuer, issuer_key) = (field("Cert").unwrap_or_default(), field("Key").unwrap_or_default());
    if !issuer.contains("-----BEGIN ") {
        return Err("unable to decode certificate".into());
    }
    let issuer_key =
        keys::parse(&issuer_key).map_err(|error| format!("error parsing private key: {error}"))?;
    let issuer = Issuer::from_ca_cert_pem(&issuer, issuer_key.pair)
        .map_err(|error| format!("error parsing certificate: {error}"))?;
    let mut parameters = parameters(host, &arguments[0], &arguments[3])?;
    parameters.use_authority_key_identifier_extension = true;
    add_names(&mut parameters, &arguments[1], &arguments[2])?;
    let made = parameters.signed_by(&key.pair, &issuer).map_err(creating)?;
    Ok(certificate(keys::pem_text("CERTIFICATE", made.der()), key.pem))
}

/// A certificate and a key that the user brings, after both were looked at.
fn custom(arguments: &[Value]) -> Answer {
    let decoded = |value: &Value, what: &str| {
        let bytes = STANDARD.decode(text_of(value).replace(['\n', '\r'], ""));
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| FunctionError::from(format!("unable to decode base64 {what}")))
    };
    let pem = decoded(&arguments[0], "certificate")?;
    let key = decoded(&arguments[1], "private key")?;
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .map_err(|_| FunctionError::from("unable to decode certificate"))?;
    block.parse_x509().map_err(|error| format!("error parsing certificate: {error}"))?;
    keys::parse(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(certificate(pem, key))
}
