//! Damages trees: mostly values, which leave a tree that others must read; often enough headers, tokens, sizes and
//! names.

use crate::random::Random;

/// Words that mean something somewhere: tokens, counts, sizes and the edges of numbers.
const WORDS: [u32; 16] =
    [0, 1, 2, 3, 4, 5, 8, 9, 0x10, 0x7f, 0x80, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff];

/// A copy of `tree` with 1 to 4 kinds of damage.
pub fn mutate(tree: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = tree.to_vec();
    let most = random.pick(&[1, 1, 2, 4]);
    for _ in 0..1 + random.below(most) {
        damage(&mut bytes, random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len() as u64) as usize;
    match random.below(20) {
        0..=4 => bytes[at] ^= 1 << random.below(8),
        5..=7 => bytes[at] = random.bits() as u8,
        8..=10 => set_value(bytes, random),
        11..=13 => set_word(bytes, at & !3, random),
        14 => set_word(bytes, at.min(36) & !3, random),
        15 => set_token(bytes, random),
        16 => bytes.truncate(at),
        17 => move_words(bytes, at & !3, random),
        18 => no_operation(bytes, random),
        _ => overwrite(bytes, at & !3, random),
    }
}

fn set_word(bytes: &mut [u8], at: usize, random: &mut Random) {
    if let Some(word) = bytes.get_mut(at..at + 4) {
        let old = u32::from_be_bytes(word.try_into().expect("4 bytes"));
        let new = if random.one_in(2) { random.pick(&WORDS) } else { old.wrapping_add(random.pick(&WORDS)) };
        word.copy_from_slice(&new.to_be_bytes());
    }
}

/// Places of words that look like one of `tokens`.
fn tokens(bytes: &[u8], tokens: &[u8]) -> Vec<usize> {
    let places = (40..bytes.len().saturating_sub(16)).step_by(4);
    places.filter(|at| bytes[*at..*at + 3] == [0; 3] && tokens.contains(&bytes[*at + 3])).collect()
}

/// Changes a word that looks like a token.
fn set_token(bytes: &mut [u8], random: &mut Random) {
    let tokens = tokens(bytes, &[1, 2, 3, 4, 9]);
    if !tokens.is_empty() {
        bytes[random.pick(&tokens) + 3] = random.pick(&[1, 2, 3, 4, 5, 9]);
    }
}

/// Changes the first word of what looks like a property's value.
fn set_value(bytes: &mut [u8], random: &mut Random) {
    let properties = tokens(bytes, &[3]);
    if !properties.is_empty() {
        set_word(bytes, random.pick(&properties) + 12, random);
    }
}

/// Deletes what looks like a property without a value, or with one cell, as boot loaders do: by NOPs.
fn no_operation(bytes: &mut [u8], random: &mut Random) {
    let deletable = |at: &usize| matches!(bytes[*at + 4..*at + 8], [0, 0, 0, 0 | 4]);
    let properties: Vec<usize> = tokens(bytes, &[3]).into_iter().filter(deletable).collect();
    if !properties.is_empty() {
        let at = random.pick(&properties);
        let words = 3 + usize::from(bytes[at + 7]) / 4;
        bytes[at..at + 4 * words].chunks_exact_mut(4).for_each(|word| word.copy_from_slice(&[0, 0, 0, 4]));
    }
}

/// Takes words out, or puts NOPs in.
fn move_words(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let count = 4 * (1 + random.below(4) as usize);
    if random.one_in(2) {
        bytes.drain(at..(at + count).min(bytes.len()));
    } else {
        bytes.splice(at..at, [0, 0, 0, 4].into_iter().cycle().take(count));
    }
}

/// Copies some bytes over others.
fn overwrite(bytes: &mut [u8], to: usize, random: &mut Random) {
    let from = random.below(bytes.len() as u64) as usize & !3;
    let count = (1 + random.below(64) as usize).min(bytes.len() - from.max(to));
    bytes.copy_within(from..from + count, to);
}
