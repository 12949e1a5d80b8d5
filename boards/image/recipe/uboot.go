package recipe

import "fmt"

// Where U-Boot puts what it starts, for every Raspberry Pi alike: the least memory that
// one has is 512 MB, of which the graphics processor takes 64 or more from the end. The
// kernel is read compressed to its own place, decompressed behind everything, and moved
// back; from there it moves itself to the next 2 MiB.
const (
	kernelAt     = 0x00080000
	scriptAt     = 0x05400000
	treeAt       = 0x05600000
	initramfsAt  = 0x05700000
	decompressAt = 0x08000000

	// Of what is decompressed, U-Boot takes no more (CONFIG_SYS_BOOTM_LEN).
	decompressed = 64 << 20
)

// KernelRoom is how much memory a kernel may take from its beginning, with what it
// zeroes behind its end.
const KernelRoom = min(scriptAt-2<<20, decompressed)

// Environment is what U-Boot knows before the first start: slot A is there, and there is
// no prompt on the serial line, whatever is typed there. It takes the place of U-Boot's
// own environment, so it has all that the script needs besides what U-Boot finds out
// about the machine. The script writes it back with these names only.
func Environment() map[string]string {
	return map[string]string{
		"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0", "bootdelay": "-2",
		"bootcmd": "load mmc 0:1 " + hex(scriptAt) + " boot.scr && source " + hex(scriptAt) + "; reset",
	}
}

func hex(n int64) string { return fmt.Sprintf("0x%08x", n) }
