//! Addresses and bits of the registers that provost touches (CMSIS headers stm32h5xxxx.h; SVD where noted).

/// Distance from a non-secure to the secure alias of a peripheral or SRAM (bit 28).
pub const SECURE_PERIPHERAL: u32 = 0x1000_0000;

/// The flash controller.
pub mod flash {
    /// Non-secure base; the secure alias is [`super::SECURE_PERIPHERAL`] higher.
    pub const BASE: u32 = 0x4002_2000;
    /// Size of the register window in bytes.
    pub const SIZE: u32 = 0x400;

    /// Access control.
    pub const ACR: u16 = 0x00;
    /// Non-secure key.
    pub const NSKEYR: u16 = 0x04;
    /// Secure key.
    pub const SECKEYR: u16 = 0x08;
    /// Option key, one for both worlds.
    pub const OPTKEYR: u16 = 0x0C;
    /// Non-secure option-byte-key key.
    pub const NSOBKKEYR: u16 = 0x10;
    /// Secure option-byte-key key.
    pub const SECOBKKEYR: u16 = 0x14;
    /// Operation interrupted by a reset.
    pub const OPSR: u16 = 0x18;
    /// Option control.
    pub const OPTCR: u16 = 0x1C;
    /// Non-secure status.
    pub const NSSR: u16 = 0x20;
    /// Secure status.
    pub const SECSR: u16 = 0x24;
    /// Non-secure control.
    pub const NSCR: u16 = 0x28;
    /// Secure control.
    pub const SECCR: u16 = 0x2C;
    /// Non-secure clear.
    pub const NSCCR: u16 = 0x30;
    /// Secure clear.
    pub const SECCCR: u16 = 0x34;
    /// Privilege.
    pub const PRIVCFGR: u16 = 0x3C;
    /// Non-secure option-byte-key configuration.
    pub const NSOBKCFGR: u16 = 0x40;
    /// Secure option-byte-key configuration.
    pub const SECOBKCFGR: u16 = 0x44;
    /// Current option status word 1: PRODUCT_STATE, BOOT_UBE and more.
    pub const OPTSR_CUR: u16 = 0x50;
    /// Option status word 1 to program.
    pub const OPTSR_PRG: u16 = 0x54;
    /// Current secure epoch.
    pub const SECEPOCHR_CUR: u16 = 0x68;
    /// Current option status word 2: TZEN and more.
    pub const OPTSR2_CUR: u16 = 0x70;
    /// Option status word 2 to program.
    pub const OPTSR2_PRG: u16 = 0x74;
    /// Current non-secure boot address.
    pub const NSBOOTR_CUR: u16 = 0x80;
    /// Current secure boot address.
    pub const SECBOOTR_CUR: u16 = 0x88;
    /// Current OTP block lock.
    pub const OTPBLR_CUR: u16 = 0x90;
    /// Current secure watermark of bank 1.
    pub const SECWM1R_CUR: u16 = 0xE0;
    /// Current write protection of bank 1.
    pub const WRP1R_CUR: u16 = 0xE8;
    /// Current secure watermark of bank 2.
    pub const SECWM2R_CUR: u16 = 0x1E0;
    /// Current write protection of bank 2.
    pub const WRP2R_CUR: u16 = 0x1E8;

    /// Keys of NSKEYR and SECKEYR, in order (HAL).
    pub const KEYS: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];
    /// Keys of OPTKEYR, in order (HAL).
    pub const OPT_KEYS: [u32; 2] = [0x0819_2A3B, 0x4C5D_6E7F];
    /// Keys of NSOBKKEYR and SECOBKKEYR, in order (HAL).
    pub const OBK_KEYS: [u32; 2] = [0x192A_083B, 0x6E7F_4C5D];

    /// OPTCR: the option registers are locked.
    pub const OPTCR_OPTLOCK: u32 = 1 << 0;
    /// OPTCR: start the option change.
    pub const OPTCR_OPTSTRT: u32 = 1 << 1;

    /// SR: an operation is running.
    pub const SR_BSY: u32 = 1 << 0;
    /// SR: the write buffer is not empty.
    pub const SR_WBNE: u32 = 1 << 1;
    /// SR: the data buffer is not empty.
    pub const SR_DBNE: u32 = 1 << 3;
    /// SR: end of operation.
    pub const SR_EOP: u32 = 1 << 16;
    /// SR: write protection error.
    pub const SR_WRPERR: u32 = 1 << 17;
    /// SR: programming sequence error.
    pub const SR_PGSERR: u32 = 1 << 18;
    /// SR: strobe error.
    pub const SR_STRBERR: u32 = 1 << 19;
    /// SR: inconsistency error.
    pub const SR_INCERR: u32 = 1 << 20;
    /// SR: option-byte-key access error.
    pub const SR_OBKERR: u32 = 1 << 21;
    /// SR: option-byte-key write error.
    pub const SR_OBKWERR: u32 = 1 << 22;
    /// NSSR only: the option change was refused or failed.
    pub const SR_OPTCHANGEERR: u32 = 1 << 23;

    /// CR: locked.
    pub const CR_LOCK: u32 = 1 << 0;
    /// CR: program.
    pub const CR_PG: u32 = 1 << 1;
    /// CR: erase a sector.
    pub const CR_SER: u32 = 1 << 2;
    /// CR: erase a bank.
    pub const CR_BER: u32 = 1 << 3;
    /// CR: force the write of an unfinished quad-word.
    pub const CR_FW: u32 = 1 << 4;
    /// CR: start.
    pub const CR_STRT: u32 = 1 << 5;
    /// CR: first bit of the sector number.
    pub const CR_SNB_SHIFT: u32 = 6;
    /// CR: erase everything.
    pub const CR_MER: u32 = 1 << 15;
    /// CR: physical bank.
    pub const CR_BKSEL: u32 = 1 << 31;

    /// OBKCFGR: locked.
    pub const OBKCFGR_LOCK: u32 = 1 << 0;
    /// OBKCFGR: swap the two key sectors.
    pub const OBKCFGR_SWAP_SECT_REQ: u32 = 1 << 1;
    /// OBKCFGR: address the alternate sector.
    pub const OBKCFGR_ALT_SECT: u32 = 1 << 2;
    /// OBKCFGR: erase the alternate sector.
    pub const OBKCFGR_ALT_SECT_ERASE: u32 = 1 << 3;
    /// OBKCFGR: first bit of SWAP_OFFSET, counted in 16-byte keys.
    pub const OBKCFGR_SWAP_OFFSET_SHIFT: u32 = 16;
}

/// System configuration, boot and security, as far as debug goes (SVD).
pub mod sbs {
    /// Non-secure base; the secure alias is [`super::SECURE_PERIPHERAL`] higher.
    pub const BASE: u32 = 0x4400_0400;
    /// Temporal isolation control.
    pub const HDPLCR: u32 = 0x10;
    /// Temporal isolation status.
    pub const HDPLSR: u32 = 0x14;
    /// Debug control: AP_UNLOCK in 7:0, DBG_UNLOCK in 15:8, DBG_AUTH_HDPL in 23:16, DBG_AUTH_SEC in 31:24.
    pub const DBGCR: u32 = 0x20;
    /// Debug configuration lock.
    pub const DBGLOCKR: u32 = 0x24;
    /// AP_UNLOCK and DBG_UNLOCK; also what HDPLCR and DBGLOCKR are after a reset, and HDPLSR while ST's own code runs.
    pub const UNLOCKED: u8 = 0xB4;
    /// DBG_AUTH_SEC: secure and non-secure debug.
    pub const BOTH_SIDES: u8 = 0xB4;
    /// DBG_AUTH_SEC: non-secure debug only.
    pub const NON_SECURE_ONLY: u8 = 0x3C;
}

/// The debug support unit; on AP0 at [`BASES`](dbgmcu::BASES), for the CPU at 0x44024000.
pub mod dbgmcu {
    /// Where AP0 may show it: device family pack and ST's OpenOCD, then the ROM table.
    pub const BASES: [u32; 2] = [0xE004_4000, 0xE00E_4000];
    /// As the CPU (and AP1) sees it.
    pub const CPU_BASE: u32 = 0x4402_4000;
    /// Device and revision id: DEV_ID in bits 11:0, REV_ID in 31:16.
    pub const IDCODE: u32 = 0x000;
    /// Configuration.
    pub const CR: u32 = 0x004;
    /// `CR`: debug that was opened ends at a power-on reset only, and not at any system reset (SVD, LL_DBGMCU_DCRT_POWER).
    pub const CR_DCRT: u32 = 1 << 16;
    /// Status: AP_PRESENT in 15:0, AP_ENABLED in 31:16 (SVD).
    pub const SR: u32 = 0x0FC;
    /// Word from host to device.
    pub const DBG_AUTH_HOST: u32 = 0x100;
    /// Word from device to host.
    pub const DBG_AUTH_DEVICE: u32 = 0x104;
    /// Acknowledge bits of the two words.
    pub const DBG_AUTH_ACK: u32 = 0x108;
    /// The request that takes a chip into RSS-DA when found in DBG_AUTH_HOST after reset: "STDA".
    pub const REQUEST_STDA: u32 = 0x5354_4441;
    /// A possible answer: "DAOK".
    pub const REPLY_DAOK: u32 = 0x4441_4F4B;
}

/// Cortex-M33 debug registers (Arm DDI 0553).
pub mod core_debug {
    /// Processor id.
    pub const CPUID: u32 = 0xE000_ED00;
    /// Application interrupt and reset control.
    pub const AIRCR: u32 = 0xE000_ED0C;
    /// Debug fault status.
    pub const DFSR: u32 = 0xE000_ED30;
    /// Debug halting control and status.
    pub const DHCSR: u32 = 0xE000_EDF0;
    /// Debug core register selector.
    pub const DCRSR: u32 = 0xE000_EDF4;
    /// Debug core register data.
    pub const DCRDR: u32 = 0xE000_EDF8;
    /// Debug exception and monitor control.
    pub const DEMCR: u32 = 0xE000_EDFC;
    /// Debug security control and status; bit 16 CDS: the core is in secure state.
    pub const DSCSR: u32 = 0xE000_EE08;
    /// Debug authentication status.
    pub const DAUTHSTATUS: u32 = 0xE000_EFB8;
}

/// System memory and read-only data.
pub mod memory {
    /// One-time-programmable area, 2 KB.
    pub const OTP: u32 = 0x08FF_F000;
    /// 96-bit unique id.
    pub const UID: u32 = 0x08FF_F800;
    /// Flash size in KB, 16 bits.
    pub const FLASH_SIZE: u32 = 0x08FF_F80C;
    /// User flash.
    pub const FLASH: u32 = 0x0800_0000;
    /// Option-byte keys.
    pub const OBK: u32 = 0x0BFD_0000;
    /// Option-byte keys, secure alias: what `.obk` files name.
    pub const OBK_SECURE: u32 = 0x0FFD_0000;
    /// Size of the option-byte keys in bytes (one of two sectors).
    pub const OBK_SIZE: u32 = 0x2000;
    /// Offset of the Debug Authentication data in the option-byte keys.
    pub const OBK_DA_OFFSET: u32 = 0x100;
    /// Size of the Debug Authentication data in bytes.
    pub const DA_SIZE: u32 = 0x60;
    /// Distance from a non-secure to the secure alias of flash and system memory (bit 26).
    pub const SECURE_ALIAS: u32 = 0x0400_0000;
}

/// The secure system services in ROM.
pub mod rss {
    /// Offset of the magic in a descriptor (STM32CubeH5 boot_hal.c).
    pub const DESCRIPTOR_MAGIC: u32 = 0xF8;
    /// Offset of the function table in a descriptor; its first word is DataProvisioning.
    pub const DESCRIPTOR_TABLE: u32 = 0x68;
    /// The one encryption word seen in public.
    pub const ENCRYPT_WORD_CACA: u32 = 0xCACA_0AA0;
}

#[cfg(test)]
mod tests {
    use super::flash::*;

    /// The masks of the CMSIS header (`FLASH_SR_*_Msk`, `FLASH_CR_*_Msk`, `FLASH_OPTCR_*_Msk`, `FLASH_OBKCFGR_*_Msk`), as numbers.
    #[test]
    fn bits_are_those_of_the_header() {
        let status = [
            (SR_BSY, 0x0000_0001),
            (SR_WBNE, 0x0000_0002),
            (SR_DBNE, 0x0000_0008),
            (SR_EOP, 0x0001_0000),
            (SR_WRPERR, 0x0002_0000),
            (SR_PGSERR, 0x0004_0000),
            (SR_STRBERR, 0x0008_0000),
            (SR_INCERR, 0x0010_0000),
            (SR_OBKERR, 0x0020_0000),
            (SR_OBKWERR, 0x0040_0000),
            (SR_OPTCHANGEERR, 0x0080_0000),
        ];
        let control = [
            (CR_LOCK, 0x0000_0001),
            (CR_PG, 0x0000_0002),
            (CR_SER, 0x0000_0004),
            (CR_BER, 0x0000_0008),
            (CR_FW, 0x0000_0010),
            (CR_STRT, 0x0000_0020),
            (CR_MER, 0x0000_8000),
            (CR_BKSEL, 0x8000_0000),
        ];
        let others = [
            (OPTCR_OPTLOCK, 0x0000_0001),
            (OPTCR_OPTSTRT, 0x0000_0002),
            (OBKCFGR_LOCK, 0x0000_0001),
            (OBKCFGR_SWAP_SECT_REQ, 0x0000_0002),
            (OBKCFGR_ALT_SECT, 0x0000_0004),
            (OBKCFGR_ALT_SECT_ERASE, 0x0000_0008),
        ];
        for (ours, header) in status.into_iter().chain(control).chain(others) {
            assert_eq!(ours, header, "{header:#010x}");
        }
    }
}
