//! The machine: RAM, interrupt controller and vCPUs, at the addresses of QEMU's `virt` board.

use crate::Result;
use kvm_bindings::*;
use kvm_ioctls::{DeviceFd, Kvm, VcpuFd, VmFd};

const RAM: u64 = 0x4000_0000;
/// Bytes of RAM.
const RAM_SIZE: usize = 256 << 20;
/// Offsets in RAM in bytes: of the kernel (its `text_offset` counts from here), and of its device tree.
const KERNEL: usize = 2 << 20;
const TREE: usize = 128 << 20;
const DISTRIBUTOR: u64 = 0x0800_0000;
const CPU_INTERFACES: u64 = 0x0801_0000;
const REDISTRIBUTORS: u64 = 0x080a_0000;

/// The machine, ready to run.
pub struct Machine {
    /// Its vCPUs; all but the first are off.
    pub vcpus: Vec<VcpuFd>,
    /// Kept open for as long as the vCPUs run.
    _vm: (VmFd, DeviceFd),
}

impl Machine {
    /// A machine with `kernel` and `tree` in its RAM.
    pub fn new(gic: u64, vcpus: u64, kernel: &[u8], tree: &[u8]) -> Result<Self> {
        let vm = Kvm::new()?.create_vm()?;
        let ram = memory(&vm)?;
        for (offset, bytes) in [(KERNEL, kernel), (TREE, tree)] {
            ram.get_mut(offset..offset + bytes.len()).ok_or("a file does not fit into RAM")?.copy_from_slice(bytes);
        }
        let vcpus = (0..vcpus).map(|index| vcpu(&vm, index)).collect::<Result<Vec<_>>>()?;
        let gic = controller(&vm, gic)?;
        let first = vcpus.first().ok_or("no vCPU")?;
        // X0 and PC of struct kvm_regs (Linux Documentation/virt/kvm/api.rst, 4.68).
        set_core_register(first, 0, RAM + TREE as u64)?;
        set_core_register(first, 32, RAM + KERNEL as u64)?;
        Ok(Self { vcpus, _vm: (vm, gic) })
    }
}

/// The guest's RAM in pages of 4 KiB: with larger ones the first touch of a page would mostly not be its first.
fn memory(vm: &VmFd) -> Result<&'static mut [u8]> {
    // SAFETY: a new mapping, which nothing else has and which is never unmapped. The guest writes to it too: it runs
    // only after the borrow ended.
    let ram = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let start = libc::mmap(std::ptr::null_mut(), RAM_SIZE, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        if start == libc::MAP_FAILED || libc::madvise(start, RAM_SIZE, libc::MADV_NOHUGEPAGE) != 0 {
            return Err(format!("RAM: {}", std::io::Error::last_os_error()).into());
        }
        std::slice::from_raw_parts_mut(start.cast::<u8>(), RAM_SIZE)
    };
    let region = kvm_userspace_memory_region {
        guest_phys_addr: RAM,
        memory_size: RAM_SIZE as u64,
        userspace_addr: ram.as_ptr() as u64,
        ..Default::default()
    };
    // SAFETY: the region is the mapping above.
    unsafe { vm.set_user_memory_region(region) }?;
    Ok(ram)
}

/// vCPU number `index`, with PSCI by the kernel.
fn vcpu(vm: &VmFd, index: u64) -> Result<VcpuFd> {
    let vcpu = vm.create_vcpu(index)?;
    let mut target = kvm_vcpu_init::default();
    vm.get_preferred_target(&mut target)?;
    target.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2 | u32::from(index > 0) << KVM_ARM_VCPU_POWER_OFF;
    vcpu.vcpu_init(&target)?;
    Ok(vcpu)
}

/// The kernel's interrupt controller (Linux Documentation/virt/kvm/devices/arm-vgic.rst and arm-vgic-v3.rst).
fn controller(vm: &VmFd, version: u64) -> Result<DeviceFd> {
    let (kind, frames) = match version {
        2 => (
            kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V2,
            [(KVM_VGIC_V2_ADDR_TYPE_DIST, DISTRIBUTOR), (KVM_VGIC_V2_ADDR_TYPE_CPU, CPU_INTERFACES)],
        ),
        3 => (
            kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
            [(KVM_VGIC_V3_ADDR_TYPE_DIST, DISTRIBUTOR), (KVM_VGIC_V3_ADDR_TYPE_REDIST, REDISTRIBUTORS)],
        ),
        _ => return Err(format!("GICv{version}: expected 2 or 3").into()),
    };
    let device = vm.create_device(&mut kvm_create_device { type_: kind, ..Default::default() })?;
    for (frame, address) in frames {
        set(&device, KVM_DEV_ARM_VGIC_GRP_ADDR, frame, &raw const address as u64)?;
    }
    set(&device, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0)?;
    Ok(device)
}

fn set(device: &DeviceFd, group: u32, attribute: u32, address: u64) -> Result<()> {
    let attribute = kvm_device_attr { group, attr: attribute.into(), addr: address, ..Default::default() };
    Ok(device.set_device_attr(&attribute)?)
}

/// Sets the 64-bit register at `index` in struct kvm_regs.
fn set_core_register(vcpu: &VcpuFd, index: u64, value: u64) -> Result<()> {
    // The number counts 32-bit words.
    let register = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | u64::from(KVM_REG_ARM_CORE) | (index * 2);
    vcpu.set_one_reg(register, &value.to_le_bytes())?;
    Ok(())
}
