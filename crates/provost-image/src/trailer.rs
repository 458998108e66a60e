//! The end of a slot, where the boot loader keeps its notes (mcuboot `docs/design.md`, "Image Trailer").

/// Bytes of the magic at the very end.
pub const MAGIC_BYTES: usize = 16;

/// The magic for flash that is written 8 bytes at a time or finer; ST writes it for every alignment.
const MAGIC: [u8; MAGIC_BYTES] =
    [0x77, 0xC2, 0x95, 0xF3, 0x60, 0xD2, 0xEF, 0x7F, 0x35, 0x52, 0x50, 0x0F, 0x2C, 0xB6, 0x79, 0x80];
/// The magic of today's mcuboot for coarser flash, behind the alignment as 16 bits.
const ALIGNED_MAGIC: [u8; MAGIC_BYTES - 2] =
    [0x2D, 0xE1, 0x5D, 0x29, 0x41, 0x0B, 0x8D, 0x77, 0x67, 0x9C, 0x11, 0x0F, 0x1F, 0x8A];
/// What makes an update permanent.
pub(crate) const IMAGE_OK: u8 = 0x01;
/// Notes are aligned at least this much, bytes.
const MIN_ALIGN: u32 = 8;

/// How a boot loader brings an image from the slot for updates to the slot it runs from: that decides what its trailer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrailerKind {
    /// The two slots change places, step by step.
    Swap {
        /// Sectors whose state is noted; 0 in ST's projects, which keep it elsewhere.
        sectors: u16,
    },
    /// The update overwrites what ran before: there is nothing to swap back.
    Overwrite,
    /// As STiRoT does it: one note less.
    StirotOverwrite,
    /// There is one slot only (ST); nothing but the magic.
    PrimaryOnly,
}

impl TrailerKind {
    /// Bytes of the trailer, for flash written `align` bytes at a time.
    pub fn size(self, align: u8, encrypted: bool) -> u64 {
        let (align, note) = (u64::from(align), note_bytes(align));
        let magic = (MAGIC_BYTES as u64).next_multiple_of(note);
        match self {
            Self::Swap { sectors } => {
                // Three steps for each sector; two keys; image_ok, copy_done, swap_info, swap_size.
                let keys = if encrypted { 2 * 16_u64.next_multiple_of(note) } else { 0 };
                3 * u64::from(sectors) * align + keys + 4 * note + magic
            }
            Self::Overwrite => 2 * note + magic,
            Self::StirotOverwrite => note + MAGIC_BYTES as u64,
            Self::PrimaryOnly => MAGIC_BYTES as u64,
        }
    }
}

/// Bytes that one note takes.
fn note_bytes(align: u8) -> u64 {
    u64::from(u32::from(align).max(MIN_ALIGN))
}

/// How far in front of the slot's end the note `image_ok` stands.
pub(crate) fn image_ok_from_end(align: u8) -> usize {
    let note = note_bytes(align) as usize;
    MAGIC_BYTES.next_multiple_of(note) + note
}

/// The magic that a boot loader looks for.
pub(crate) fn magic(align: u8, names_alignment: bool) -> [u8; MAGIC_BYTES] {
    if !names_alignment || note_bytes(align) == u64::from(MIN_ALIGN) {
        return MAGIC;
    }
    let mut magic = [align, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    magic[2..].copy_from_slice(&ALIGNED_MAGIC);
    magic
}

/// True if a slot ends here.
pub(crate) fn is_magic(bytes: &[u8]) -> bool {
    bytes == MAGIC || matches!(bytes, [16 | 32, 0, rest @ ..] if rest == ALIGNED_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_trailer_diagram() {
        // mcuboot's design.md: status for 128 sectors of 3 states, swap size, swap info, copy done, image ok, magic.
        assert_eq!(TrailerKind::Swap { sectors: 128 }.size(8, false), 128 * 3 * 8 + 4 * 8 + 16);
        assert_eq!(TrailerKind::Swap { sectors: 128 }.size(1, true), 128 * 3 + 2 * 16 + 4 * 8 + 16);
        assert_eq!(TrailerKind::Swap { sectors: 0 }.size(16, true), 2 * 16 + 4 * 16 + 16);
        assert_eq!(TrailerKind::Overwrite.size(16, true), 2 * 16 + 16);
        assert_eq!(TrailerKind::Overwrite.size(32, true), 2 * 32 + 32);
        // stm32-mw-mcuboot v1.7.2.39, scripts/imgtool/image.py: the short form of STiRoT and the one of a single slot.
        assert_eq!(TrailerKind::StirotOverwrite.size(16, true), 16 + 16);
        assert_eq!(TrailerKind::PrimaryOnly.size(16, true), 16);
        assert_eq!((image_ok_from_end(8), image_ok_from_end(16), image_ok_from_end(32)), (24, 32, 64));
    }

    #[test]
    fn every_magic_is_recognised() {
        for align in [1, 2, 4, 8, 16, 32] {
            assert!(is_magic(&magic(align, true)) && is_magic(&magic(align, false)));
        }
        assert_eq!(magic(16, true)[..4], [16, 0, 0x2D, 0xE1]);
        assert_eq!(magic(16, false)[..4], [0x77, 0xC2, 0x95, 0xF3]);
    }
}
