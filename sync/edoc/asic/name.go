package asic

import (
	"fmt"
	"strings"
)

// maxName is the longest name of an entry, in bytes.
const maxName = 128

// CheckName says whether an entry may have that name: letters and digits of
// ASCII, with . _ - inside and / between; no part starts with a dot. So no name
// leads out of the folder it is unpacked in, hides, or reads differently
// elsewhere.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("asic: name of %d bytes, want 1 to %d", len(name), maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' {
			return fmt.Errorf("asic: name %q: a part is empty or starts with . or -", name)
		}
		for i := range len(part) {
			c := part[i]
			if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-' {
				return fmt.Errorf("asic: name %q: byte %d is not a letter, digit, . _ or -", name, i)
			}
		}
	}
	return nil
}
