package asic

import (
	"errors"
	"fmt"
	"strings"
)

// maxName is the longest name of an entry, in bytes.
const maxName = 128

// CheckName says whether an entry may have that name: letters and digits of
// ASCII, with . _ - inside and / between; no part starts or ends with a dot (Windows
// drops one at the end). So no name leads out of the folder it is unpacked in, hides, or reads differently
// elsewhere. The error does not repeat it: people name their files after
// themselves.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("asic: a name has %d bytes, want 1 to %d", len(name), maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' || part[len(part)-1] == '.' {
			return errors.New("asic: a part of a name starts with . or -, ends with . or is empty")
		}
		for i := range len(part) {
			c := part[i]
			if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-' {
				return errors.New("asic: a name holds what is not a letter, digit, . _ or -")
			}
		}
	}
	return nil
}
