// Package lock pins the packages that an image is made of: a list of every one
// with its version, its size and its hash is in the repository, and an image is
// built from exactly these. Who builds it decides where they come from: the list
// names no host.
package lock

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Archive is one of Debian's archives.
type Archive string

// The archives there are.
const (
	Debian   Archive = "debian"          // the release and its updates
	Security Archive = "debian-security" // fixes
)

// Package is one package.
type Package struct {
	Name    string
	Version string
	Arch    string // "all" or the image's
	Archive Archive
	Size    int64
	SHA256  string // hexadecimal
	Path    string // in the archive: pool/main/…
}

// Parse reads a list: a package a line, of six fields; lines that begin with # are
// for people.
func Parse(b []byte) ([]Package, error) {
	var out []Package
	seen := map[string]int{}
	n := 0
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		n++
		if s.Text() == "" || s.Text()[0] == '#' {
			continue
		}
		p, err := parse(strings.Split(s.Text(), " "))
		if err != nil {
			return nil, fmt.Errorf("lock: line %d: %w", n, err)
		}
		if before := seen[p.Name]; before > 0 {
			return nil, fmt.Errorf("lock: line %d: %s is on line %d too", n, p.Name, before)
		}
		seen[p.Name] = n
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("lock: it has no package")
	}
	return out, nil
}

func parse(f []string) (Package, error) {
	if len(f) != 7 {
		return Package{}, fmt.Errorf("got %d fields, want name, version, architecture, archive, size, SHA-256 and path", len(f))
	}
	p := Package{Name: f[0], Version: f[1], Arch: f[2], Archive: Archive(f[3]), SHA256: f[5], Path: f[6]}
	if slices.Contains(f, "") {
		return Package{}, fmt.Errorf("%s has an empty field", p.Name)
	}
	if p.Archive != Debian && p.Archive != Security {
		return Package{}, fmt.Errorf("%s: archive: got %q, want %s or %s", p.Name, p.Archive, Debian, Security)
	}
	var err error
	if p.Size, err = strconv.ParseInt(f[4], 10, 64); err != nil || p.Size <= 0 || strconv.FormatInt(p.Size, 10) != f[4] {
		return Package{}, fmt.Errorf("%s: size: got %q, want a number of bytes", p.Name, f[4])
	}
	if h, err := hex.DecodeString(p.SHA256); err != nil || len(h) != 32 || strings.ToLower(p.SHA256) != p.SHA256 {
		return Package{}, fmt.Errorf("%s: SHA-256: got %q, want 64 hexadecimal digits", p.Name, p.SHA256)
	}
	if !strings.HasPrefix(p.Path, "pool/") || path.Clean(p.Path) != p.Path || !strings.HasSuffix(p.Path, ".deb") {
		return Package{}, fmt.Errorf("%s: path: got %q, want pool/….deb", p.Name, p.Path)
	}
	return p, nil
}

// Format writes a list, by name, with note above it for people.
func Format(note string, ps []Package) []byte {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	for line := range strings.Lines(note) {
		fmt.Fprintf(&out, "# %s\n", strings.TrimSpace(line))
	}
	for _, p := range ps {
		fmt.Fprintf(&out, "%s %s %s %s %d %s %s\n", p.Name, p.Version, p.Arch, p.Archive, p.Size, p.SHA256, p.Path)
	}
	return out.Bytes()
}
