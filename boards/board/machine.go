package board

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
)

// Found is what a machine says of itself. It names no person and holds no serial
// number: it may be sent to whoever writes boards.
type Found struct {
	Architecture string   `json:"architecture"`         // Go's: amd64, arm64
	Model        string   `json:"model,omitempty"`      // of the device tree
	Compatible   []string `json:"compatible,omitempty"` // of the device tree, the most precise first
	Vendor       string   `json:"vendor,omitempty"`     // of DMI
	Product      string   `json:"product,omitempty"`    // of DMI
	BoardVendor  string   `json:"board_vendor,omitempty"`
	BoardName    string   `json:"board_name,omitempty"`
	Firmware     string   `json:"firmware,omitempty"` // DMI's BIOS: vendor, version and date
	CPU          string   `json:"cpu,omitempty"`
	Cores        int      `json:"cores"`
	MemoryMiB    int      `json:"memory_mib"`
}

// Look reads what the machine says of itself. root is its root folder, os.DirFS("/");
// what is not there stays empty.
func Look(root fs.FS) Found {
	read := func(path string) string {
		b, err := fs.ReadFile(root, path)
		if err != nil || len(b) > 64<<10 {
			return "" // a machine has a device tree, or DMI, or neither
		}
		return string(bytes.TrimRight(b, "\x00\n "))
	}
	dmi := func(name string) string { return clean(read("sys/class/dmi/id/" + name)) }
	f := Found{
		Architecture: runtime.GOARCH, Model: clean(read("proc/device-tree/model")),
		Vendor: dmi("sys_vendor"), Product: dmi("product_name"), BoardVendor: dmi("board_vendor"), BoardName: dmi("board_name"),
		Firmware: strings.Join(strings.Fields(dmi("bios_vendor")+" "+dmi("bios_version")+" "+dmi("bios_date")), " "),
	}
	if c := read("proc/device-tree/compatible"); c != "" {
		for s := range strings.SplitSeq(c, "\x00") {
			f.Compatible = append(f.Compatible, clean(s))
		}
	}
	for line := range strings.Lines(read("proc/cpuinfo")) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "processor":
			f.Cores++
		case "model name":
			f.CPU = cmp.Or(f.CPU, clean(value))
		}
	}
	if _, rest, ok := strings.Cut(read("proc/meminfo"), "MemTotal:"); ok {
		if kib, err := strconv.Atoi(strings.Fields(rest + " 0")[0]); err == nil {
			f.MemoryMiB = kib >> 10
		}
	}
	return f
}

// clean makes one short line of what firmware says, which may be anything.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}

// String returns the machine in a few words.
func (f Found) String() string {
	what := cmp.Or(f.Model, strings.TrimSpace(f.Vendor+" "+f.Product), "a machine that does not say what it is")
	return fmt.Sprintf("%s (%s, %d cores, %d MiB)", what, f.Architecture, f.Cores, f.MemoryMiB)
}

// Generic is the board of hardware that no other describes.
const Generic = "generic"

// Matched is which board a machine is.
type Matched struct {
	Board string `json:"board"`
	Exact bool   `json:"exact"` // false: ports and pins may differ, and the report should be sent
	Why   string `json:"why"`
}

// Match says which board the machine is that f describes: the one that names the
// longest beginning of its model, else one of its architecture, else [Generic].
// With a list of models such as "3 Model B" and a similar one "3 Model B Plus" the
// longer one wins, so a machine is never taken exactly for its predecessor.
func Match(f Found, boards []*Board) Matched {
	best, at := Matched{Generic, false, "no board describes " + f.String()}, 0
	offer := func(rank int, m Matched) {
		if rank > at {
			best, at = m, rank
		}
	}
	for _, b := range boards {
		for _, m := range b.Machine.Models {
			if begins(f.Model, m) {
				offer(4*len(m)+3, Matched{b.Name, true, fmt.Sprintf("its device tree says %q", f.Model)})
			}
		}
		for _, m := range b.Machine.Similar {
			if begins(f.Model, m) {
				offer(4*len(m)+2, Matched{b.Name, false, fmt.Sprintf("its device tree says %q, which is similar", f.Model)})
			}
		}
		for _, d := range b.Machine.DMI {
			if f.Vendor+f.Product != "" && begins(f.Vendor, d.Vendor) && begins(f.Product, d.Product) {
				offer(4*len(d.Vendor+d.Product)+3, Matched{b.Name, true, fmt.Sprintf("its firmware says %q, %q", f.Vendor, f.Product)})
			}
		}
		if a := b.Machine.Architecture; a != "" && a == f.Architecture && f.Model == "" {
			offer(1, Matched{b.Name, false, fmt.Sprintf("it is of architecture %s and has no device tree; its maker %q is not known", a, f.Vendor)})
		}
	}
	return best
}

// begins says whether s begins with prefix, without regard to case.
func begins(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// All returns the boards that come with the product.
func All() ([]*Board, error) {
	var out []*Board
	for _, name := range Names() {
		b, err := Load(name)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Report is what is sent to whoever writes boards.
type Report struct {
	Board   string  `json:"board"` // of the image that runs; "": none does
	Matched Matched `json:"matched"`
	Found   Found   `json:"found"`
}

// Marshal returns the report as text that can be sent.
func (r Report) Marshal() []byte {
	b, _ := json.MarshalIndent(r, "", "\t") // of plain values it does not fail
	return append(b, '\n')
}
