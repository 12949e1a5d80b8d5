// Package hardware says what a machine is made of, as the kernel shows it: for the
// technician who puts a kiosk together, and for whoever makes a board's data from the
// report of a machine that nobody knew.
//
// It holds nothing that names a person or a single machine: no serial numbers, no
// addresses of network cards, no names of networks. It opens no device.
//
// # Reference
//
// Linux, Documentation/ABI/{stable,testing}/sysfs-*.
package hardware

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/plugged"
	"github.com/penjire/penjire/firmware/storage"
)

// Schema is the version of the report's form.
const Schema = "penjire-hardware/1"

// Report is what a machine is made of. A list that is empty means that the kernel
// shows none.
type Report struct {
	Schema   string       `json:"schema"`
	Machine  board.Report `json:"machine"`
	Kernel   string       `json:"kernel,omitempty"`
	Media    []Medium     `json:"media"`
	USB      []USB        `json:"usb"`
	Serial   []Port       `json:"serial"`
	GPIO     []Chip       `json:"gpio"`
	Buses    []string     `json:"buses"` // i2c-1, spidev0.0
	Clocks   []Named      `json:"clocks"`
	TPM      []Named      `json:"tpm"`
	Displays []Display    `json:"displays"`
	Inputs   []string     `json:"inputs"` // touch screens, keyboards, by the name that they give themselves
	Audio    []Named      `json:"audio"`
	Network  []Card       `json:"network"`
	Other    []Named      `json:"other"` // watchdogs, backlights, thermometers, power supplies
}

// Medium is a disk or a card. Worn and Spent are as [storage.Medium] has them; nil:
// it does not tell.
type Medium struct {
	Name  string `json:"name"`
	Kind  string `json:"kind,omitempty"`
	Model string `json:"model,omitempty"`
	MiB   int64  `json:"mib"`
	Worn  *int   `json:"worn_percent"`
	Spent *int   `json:"spare_spent_percent"`
}

// USB is a device in a USB socket.
type USB struct {
	Socket  string   `json:"socket"`
	ID      string   `json:"id"` // vendor:product
	Maker   string   `json:"maker,omitempty"`
	Model   string   `json:"model,omitempty"`
	Classes []string `json:"classes"`
	Ports   []Port   `json:"ports"`
}

// Port is a device file.
type Port struct {
	Path   string `json:"path"`
	Driver string `json:"driver,omitempty"`
	Name   string `json:"name,omitempty"` // that stays over replugs
}

// Chip is a GPIO chip. Lines is 0 where the kernel does not say.
type Chip struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Lines int    `json:"lines,omitempty"`
}

// Named is something with a name and what it says it is.
type Named struct {
	Name string `json:"name"`
	What string `json:"what,omitempty"`
}

// Display is a connector for a display.
type Display struct {
	Name   string   `json:"name"`
	Status string   `json:"status"` // connected, disconnected, unknown
	Modes  []string `json:"modes"`
}

// Card is a network card. It has no address here.
type Card struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"` // ethernet, wifi, modem
	Driver string `json:"driver,omitempty"`
	Link   string `json:"link"` // up, down, unknown
}

// tree is the folder of a machine, "/" of the one that runs.
type tree string

func (t tree) at(p ...string) string { return filepath.Join(append([]string{string(t)}, p...)...) }

// text is what an attribute says, fit for people; "": nothing.
func (t tree) text(p ...string) string {
	b, err := os.ReadFile(t.at(p...))
	if err != nil || len(b) > 4096 {
		return ""
	}
	return strings.TrimSpace(link.Printable(string(b)))
}

// list returns the names in a folder, in the order of their numbers.
func (t tree) list(p ...string) []string {
	entries, err := os.ReadDir(t.at(p...))
	if err != nil {
		return nil // the kernel has nothing of the kind
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	slices.SortStableFunc(out, func(a, b string) int {
		x, y := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")
		if x != y {
			return strings.Compare(x, y)
		}
		n, _ := strconv.Atoi(a[len(x):]) // digits, or nothing
		m, _ := strconv.Atoi(b[len(y):])
		return n - m
	})
	return out
}

// linked returns the last name in the path that a link points at.
func (t tree) linked(p ...string) string {
	to, err := os.Readlink(t.at(p...))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// Look reports the machine whose root folder is root. image is the name of the board
// of the image that runs; "": none.
func Look(root, image string) (Report, error) {
	all, err := board.All()
	if err != nil {
		return Report{}, fmt.Errorf("hardware: %w", err)
	}
	t := tree(root)
	found := board.Look(os.DirFS(root))
	r := Report{
		Schema: Schema, Machine: board.Report{Board: image, Matched: board.Match(found, all), Found: found},
		Kernel: t.text("proc/sys/kernel/osrelease"), Media: t.media(), GPIO: t.gpio(), Buses: t.buses(), Clocks: t.clocks(), TPM: t.tpm(),
		Displays: t.displays(), Inputs: t.inputs(), Audio: t.audio(), Network: t.network(), Other: t.other(),
		USB: []USB{}, Serial: []Port{},
	}
	devices, err := plugged.System{Sys: t.at("sys"), Dev: t.at("dev")}.All()
	if err != nil {
		return Report{}, fmt.Errorf("hardware: %w", err)
	}
	for _, d := range devices {
		ports := []Port{}
		for _, n := range d.Nodes {
			ports = append(ports, Port{t.own(n.Path), n.Driver, t.own(n.Name)})
		}
		if d.Socket == "" {
			r.Serial = append(r.Serial, ports...)
			continue
		}
		classes := []string{}
		for _, c := range d.Classes {
			classes = append(classes, fmt.Sprintf("%02x", c))
		}
		r.USB = append(r.USB, USB{d.Socket, fmt.Sprintf("%04x:%04x", d.Vendor, d.Product), withoutSerial(d.Maker, d.Serial), withoutSerial(d.Model, d.Serial), classes, ports})
	}
	return r, nil
}

// own returns path as the machine itself has it.
func (t tree) own(path string) string {
	if path == "" {
		return ""
	}
	rel, err := filepath.Rel(string(t), path)
	if err != nil {
		return path
	}
	return "/" + rel
}

// withoutSerial takes a serial number out of a name: some makers put it there.
func withoutSerial(s, serial string) string {
	if len(serial) < 4 {
		return s
	}
	return strings.TrimSpace(strings.ReplaceAll(s, serial, ""))
}

// Marshal returns the report as a file to send.
func (r Report) Marshal() []byte {
	b, _ := json.MarshalIndent(r, "", "\t") // of plain values it does not fail
	return append(b, '\n')
}

func (t tree) media() []Medium {
	out := []Medium{}
	told := func(n int) *int {
		if n == storage.Unknown {
			return nil
		}
		return &n
	}
	for _, m := range storage.Disks(t.at("sys")) {
		out = append(out, Medium{m.Device, m.Kind, m.Model, m.Size >> 20, told(m.Worn), told(m.Spent)})
	}
	return out
}
