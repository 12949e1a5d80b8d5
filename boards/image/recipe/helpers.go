package recipe

import "fmt"

// HelperNames are the packages whose programs do most of the work when packages are
// configured, with the libraries that these need.
var HelperNames = []string{
	"bash", "coreutils", "dash", "debianutils", "dpkg", "findutils", "grep", "gzip", "mawk", "perl-base", "sed", "tar",
	"libacl1", "libattr1", "libbz2-1.0", "libc6", "libcap2", "libcrypt1", "libgmp10", "liblzma5", "libmd0", "libpcre2-8-0", "libselinux1", "libssl3t64",
	"libsystemd0", "libtinfo6", "libzstd1", "zlib1g",
}

// Helpers returns the list that has them for a machine of that architecture; nil: there
// is none.
func Helpers(arch string) ([]byte, error) {
	for _, name := range []string{"vm", "rpi4"} {
		if b := boards[name]; b.Arch == arch {
			text, err := b.Locked(false)
			if err != nil {
				return nil, fmt.Errorf("recipe: helpers: %w", err)
			}
			return text, nil
		}
	}
	return nil, nil
}
