use flate2::Compression;
use flate2::write::GzEncoder;
use helm::chart::{CHART_BYTES_MAX, Chart, FILE_BYTES_MAX};
use tar::{EntryType, Header};

use crate::told;

const DESCRIPTION: &[u8] = b"apiVersion: v2\nname: web\nversion: 0.1.0\n";

/// A .tgz of files as they are, whatever their paths.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, data) in files {
        let mut header = Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_entry_type(EntryType::Regular);
        // set_path refuses what an attacker would not.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, *data).expect("a writable archive");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("a whole archive")
}

fn check(files: &[(&str, &[u8])], expected: &str) {
    let all: Vec<_> = [("web/Chart.yaml", DESCRIPTION)].into_iter().chain(files.iter().copied()).collect();
    let said = told(&Chart::from_archive(archive(&all).as_slice()).expect_err("a refusal"));
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_file_stays_below_the_charts_own_directory() {
    for path in ["web/../../etc/passwd", "web//etc/passwd", "passwd", "web/templates/../../../x"] {
        check(&[(path, b"x")], "not below one top directory");
    }
}

#[test]
fn a_bomb_is_told_by_its_size_and_not_unpacked() {
    let large = vec![0; usize::try_from(FILE_BYTES_MAX).expect("a small number") + 1];
    check(&[("web/templates/large.txt", &large)], "templates/large.txt has 5242881 bytes");
    let almost = &large[1..];
    let names: Vec<_> =
        (0..=CHART_BYTES_MAX / FILE_BYTES_MAX).map(|index| format!("web/{index}.txt")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), almost)).collect();
    check(&many, "more than 104857600 bytes");
}

#[test]
fn archives_in_a_chart_share_the_bounds_of_the_chart() {
    let large = vec![0; usize::try_from(FILE_BYTES_MAX).expect("a small number")];
    let names: Vec<_> = (0..15).map(|index| format!("sub/{index}.txt")).collect();
    let mut files: Vec<(&str, &[u8])> =
        vec![("sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n")];
    files.extend(names.iter().map(|name| (name.as_str(), large.as_slice())));
    let inner = archive(&files);
    assert!(inner.len() < 1_000_000, "75 MiB of zeros are small when packed");
    check(&[("web/charts/a.tgz", &inner), ("web/charts/b.tgz", &inner)], "more than 104857600 bytes");
}

#[test]
fn what_is_no_archive_is_told() {
    for (data, expected) in
        [(b"".as_slice(), "unpack"), (b"PK\x03\x04".as_slice(), "a .tgz made by 'helm package'")]
    {
        let said = told(&Chart::from_archive(data).expect_err("no archive"));
        assert!(said.contains(expected), "{said}");
    }
    let said =
        told(&Chart::from_archive(archive(&[("web/README.md", b"x")]).as_slice()).expect_err("no chart"));
    assert!(said.contains("Chart.yaml is missing"), "{said}");
}
