//! Machine types: what a node of each has, and what GKE leaves of it for pods.

const MEBIBYTE: u64 = 1024 * 1024;
const GIBIBYTE: u64 = 1024 * MEBIBYTE;

/// The hardware of a machine type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) cpu: u64,
    pub(super) memory_bytes: u64,
    is_shared_core: bool,
}

/// Reads a machine type's name; `None` when Google has no such family or shape.
pub(super) fn parse_machine(name: &str) -> Option<Machine> {
    let shared =
        |cpu, gibibytes| Some(Machine { cpu, memory_bytes: gibibytes * GIBIBYTE, is_shared_core: true });
    match name {
        "e2-micro" => return shared(2, 1),
        "e2-small" => return shared(2, 2),
        "e2-medium" => return shared(2, 4),
        _ => {}
    }
    let parts: Vec<&str> = name.split('-').collect();
    let (cpu, memory_mebibytes) = match parts.as_slice() {
        [family, "custom", cpu, memory] if is_family(family) => (cpu.parse().ok()?, memory.parse().ok()?),
        [family, shape, cpu] | [family, shape, cpu, "lssd"] if is_family(family) => {
            let cpu: u64 = cpu.parse().ok()?;
            (cpu, cpu * mebibytes_per_cpu(family, shape)?)
        }
        _ => return None,
    };
    (cpu > 0).then_some(Machine { cpu, memory_bytes: memory_mebibytes * MEBIBYTE, is_shared_core: false })
}

fn is_family(family: &str) -> bool {
    matches!(
        family,
        "e2" | "n1" | "n2" | "n2d" | "n4" | "t2d" | "t2a" | "c2" | "c2d" | "c3" | "c3d" | "c4" | "c4a" | "m3"
    )
}

fn mebibytes_per_cpu(family: &str, shape: &str) -> Option<u64> {
    Some(match (family, shape) {
        ("n1", "standard") => 3840,
        ("n1", "highmem") => 6656,
        ("n1", "highcpu") => 922,
        (_, "standard") => 4096,
        (_, "highmem") => 8192,
        ("c3" | "c3d" | "c4" | "c4a", "highcpu") => 2048,
        (_, "highcpu") => 1024,
        _ => return None,
    })
}

impl Machine {
    /// What is left for pods after GKE's reservations, in thousandths of a core.
    pub(super) fn allocatable_cpu_milli(&self) -> u64 {
        if self.is_shared_core {
            return 940;
        }
        // 6% of the first core, 1% of the second, 0.5% of the next two, 0.25% of the rest.
        let reserved_ten_thousandths: u64 = (0..self.cpu)
            .map(|core| match core {
                0 => 600,
                1 => 100,
                2 | 3 => 50,
                _ => 25,
            })
            .sum();
        self.cpu * 1000 - reserved_ten_thousandths / 10
    }

    /// Memory after GKE's reservations and the eviction threshold of 100 MiB.
    pub(super) fn allocatable_memory_bytes(&self) -> u64 {
        if self.memory_bytes <= GIBIBYTE {
            return self.memory_bytes - 255 * MEBIBYTE - 100 * MEBIBYTE;
        }
        let steps: [(u64, u64); 5] =
            [(4 * GIBIBYTE, 25), (4 * GIBIBYTE, 20), (8 * GIBIBYTE, 10), (112 * GIBIBYTE, 6), (u64::MAX, 2)];
        let mut left = self.memory_bytes;
        let mut reserved = 100 * MEBIBYTE;
        for (size, percent) in steps {
            let part = left.min(size);
            reserved += part / 100 * percent;
            left -= part;
        }
        self.memory_bytes - reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_types_have_the_capacity_of_their_names() {
        for (name, cpu, gibibytes) in [
            ("e2-medium", 2, 4),
            ("e2-highmem-4", 4, 32),
            ("n2-standard-8", 8, 32),
            ("n2-custom-2-4096", 2, 4),
        ] {
            let machine = parse_machine(name).expect("a machine type");
            assert_eq!((machine.cpu, machine.memory_bytes), (cpu, gibibytes * GIBIBYTE), "{name}");
        }
        for name in ["", "e2", "e2-huge-4", "x9-standard-4", "e2-standard-0"] {
            assert_eq!(parse_machine(name), None, "{name}");
        }
    }

    #[test]
    fn reservations_follow_the_published_table() {
        let machine = parse_machine("e2-standard-4").expect("a machine type");
        assert_eq!(machine.allocatable_cpu_milli(), 3920);
        assert_eq!(parse_machine("e2-medium").expect("a machine type").allocatable_cpu_milli(), 940);
        // 16 GiB: 1 + 0.8 + 0.8 GiB and 100 MiB are reserved.
        let left = machine.allocatable_memory_bytes() / MEBIBYTE;
        assert!((13600..13700).contains(&left), "{left} MiB");
    }
}
