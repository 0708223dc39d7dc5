//! How firmware may enter the hypervisor: anywhere, with registers in any state, with a good tree or a bad one or none.

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

/// Addresses, in bytes, that the hypervisor must run at: multiples of 2 MiB clear of the module and of QEMU's tree.
const ADDRESSES: [u64; 3] = [0x4200_0000, 0x44e0_0000, 0x4f00_0000];
/// HCR_EL2 with TGE, AMO, IMO and FMO; the second with E2H, which only newer cores have.
const HCR: [(&str, &str); 2] = [("tge", "hcr=0x08000038"), ("e2h", "hcr=0x408000038")];
/// Address of the `virt` board's PL011, in bytes.
const UART: u64 = 0x0900_0000;
/// What X0 may hold that is no tree, as the guest `firmware` takes it, and what is said of it.
const NO_TREE: [(&str, &str); 8] = [
    ("none", "X0 is 0x0, where no tree can be"),
    ("misaligned", ", where no tree can be"),
    ("beyond", "X0 is 0x8000000000000000, where no tree can be"),
    ("image", "X0 is 0x42001000, where no tree can be"),
    ("absent", "X0 leads to 0x50000000, where no memory answers"),
    ("garbage", "magic"),
    ("magic", "magic"),
    ("truncated", ""),
];
/// Damaged trees that are tried.
const DAMAGED: u64 = 8;

pub fn register(suite: &mut Suite) {
    let hello = || Boot::hypervisor().guest("hello", "");
    for address in ADDRESSES {
        let boot = hello().through_firmware(address, "registers");
        suite.on_each(&format!("entered_at_{address:x}"), &boot, boards(), move |session| {
            session.expect(&format!("firmware: entering {address:#x}"));
            runs(session);
        });
    }
    for (name, hcr) in HCR {
        let boot = hello().through_firmware(ADDRESSES[0], hcr);
        suite.on_each(&format!("entered_with_{name}"), &boot, boards().map(|board| board.cpu("max")), runs);
    }
    let no_uart = hello().through_firmware(ADDRESSES[0], "tree=no-uart");
    suite.on_each("entered_without_uart", &no_uart, boards(), silent);
    let two = Configuration::new().early_uart(UART).vm(Vm::new("guest", "hello")).vm(Vm::new("other", "hello"));
    let no_uart = Boot::packed(two).through_firmware(ADDRESSES[0], "tree=no-uart");
    suite.on_each("told_without_uart", &no_uart, boards(), no_uart_is_told);
    absent_registers(suite);
    trees(suite);
}

/// Registers that the tree places where nothing answers: the board is refused for its GIC's, and does without its UART's.
fn absent_registers(suite: &mut Suite) {
    let packed = || Boot::packed(Configuration::new().early_uart(UART).vm(Vm::new("guest", "hello")));
    let gic = packed().through_firmware(ADDRESSES[0], "tree=absent-gic");
    suite.on_each("entered_with_absent_gic", &gic, boards(), |session| {
        let reason = "the board's device tree is of no use: no interrupt controller answers at 0x88000000\r\n";
        session.expect(&format!("Bulkhead {} stops: {reason}", env!("CARGO_PKG_VERSION")));
        session.stands();
    });
    let uart = packed().through_firmware(ADDRESSES[0], "tree=absent-uart");
    suite.on_each("entered_with_absent_uart", &uart, boards(), |session| {
        session.expect("warn: no UART answers at 0x89000000\r\n");
        runs(session);
    });
}

fn trees(suite: &mut Suite) {
    let packed = || Boot::packed(Configuration::new().early_uart(UART).vm(Vm::new("a", "hello")));
    for (kind, why) in NO_TREE {
        let bootargs = format!("tree={kind} seed={}", suite.seed());
        let boot = packed().through_firmware(ADDRESSES[0], &bootargs);
        suite.on_each(&format!("entered_with_tree_{kind}"), &boot, boards(), move |session| no_tree(session, why));
        for board in boards() {
            let vm = Vm::new("guest", "hello");
            let boot = Boot::packed(Configuration::new().early_uart(UART).board(board.clone()).vm(vm));
            let boot = boot.through_firmware(ADDRESSES[0], &bootargs);
            suite.on_each(&format!("packed_board_with_tree_{kind}"), &boot, [board], runs);
        }
    }
    for number in 0..suite.steps(DAMAGED, 500) {
        let seed = suite.seed().wrapping_add(number);
        let boot = packed().through_firmware(ADDRESSES[0], &format!("tree=damaged seed={seed}"));
        suite.on_each(&format!("entered_with_damaged_tree_{number}"), &boot, boards(), damaged);
    }
}

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(2))
}

fn runs(session: &mut Session) {
    session.expect("Bulkhead ").expect(" at EL2");
    session.port("guest").verdict();
    session.end();
}

/// One sentence, which says what is wrong with the firmware's tree and with the packed one, and then nothing: the machine
/// stands, and is not begun again.
fn no_tree(session: &mut Session, why: &str) {
    session.expect(concat!("Bulkhead ", env!("CARGO_PKG_VERSION"), " stops: no device tree: "));
    let reason = session.rest_of_line();
    assert!(reason.contains(why), "expected {why:?} got {reason}");
    assert!(reason.contains("; and the packed one describes no board: "), "{reason}");
    session.stands();
    let text = session.text();
    assert_eq!(text.matches("Bulkhead").count(), 1, "more than one sentence:\n{text}");
}

/// With no UART that it can drive it works all the same, and says nothing: the guest's end switches the machine off.
fn silent(session: &mut Session) {
    session.end();
    let text = session.text();
    assert_eq!(
        text.lines().filter(|line| !line.trim().is_empty()).count(),
        1,
        "more than the firmware's line:\n{text}"
    );
}

/// Where the UART that the tree names cannot be driven, the one in the image's header tells so, and every guest runs.
fn no_uart_is_told(session: &mut Session) {
    let mistake = "warn: /pl011@9000000: compatible is \"arm,pl0!!\", \"arm,primecell\"; expected arm,pl011: the only UART \
                   that we can drive\r\n";
    session.expect(mistake);
    session.port("other").verdict();
    runs(session);
}

/// Whatever is wrong with the tree, the hypervisor starts or says why it cannot, and never crashes.
fn damaged(session: &mut Session) {
    session.expect("firmware: entering").expect("Bulkhead ");
    let line = session.rest_of_line();
    assert!(line.contains(" at EL2") || line.contains(" stops: "), "{line}");
    assert!(!session.text().contains("exception"), "{}", session.text());
}
