package board_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/board"
)

func TestKnownBoards(t *testing.T) {
	names := board.Names()
	for _, want := range []string{"bench", "generic", "pc", "rpi3", "rpi4", "rpi5", "rpizero2w", "vm"} {
		if !slices.Contains(names, want) {
			t.Errorf("Names = %q, want %q among them", names, want)
		}
	}
	for _, name := range names {
		b, err := board.Load(name)
		if err != nil {
			t.Errorf("Load(%q) = %v, want nil", name, err)
			continue
		}
		if b.Name != name {
			t.Errorf("Load(%q).Name = %q", name, b.Name)
		}
		if name == board.Generic {
			continue // nobody knows what it has
		}
		for _, c := range []board.Class{board.CardReader, board.ReceiptPrinter} {
			if d, ok := b.Find(c); !ok || d.Class != c || d.Driver == "" || d.Port == "" {
				t.Errorf("%s: Find(%s) = %+v, %v, want a device", name, c, d, ok)
			}
		}
	}
	if _, err := board.Load("rpi9"); err == nil || !strings.Contains(err.Error(), "rpi4") {
		t.Errorf("Load(rpi9) = %v, want an error that names those there are", err)
	}
}

// TestEveryFolderIsKnown: a board whose folder was forgotten in load.go would
// be data that nobody reads.
func TestEveryFolderIsKnown(t *testing.T) {
	files, err := filepath.Glob("../*/board.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob = %q, %v, want boards", files, err)
	}
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := board.Parse(b); err != nil || d.Name != name {
			t.Errorf("%s: Parse = %+v, %v, want name %q", f, d, err, name)
		}
		if !slices.Contains(board.Names(), name) {
			t.Errorf("%s: not among Names", f)
		}
	}
}

const good = `{
	"name": "x", "title": "X",
	"display": {"width": 1080, "height": 1920, "px_per_mm": 3.78, "rotation": 90},
	"devices": [{"name": "reader", "class": "card-reader", "driver": "pn532-hsu", "port": "reader", "options": {"baud": 9600}}],
	"clock": {"driver": "offset-file", "path": "clock"}
}`

func TestParse(t *testing.T) {
	b, err := board.Parse([]byte(good))
	if err != nil {
		t.Fatalf("Parse = %v, want nil", err)
	}
	if b.Display.Rotation != 90 || b.Display.PxPerMM != 3.78 || string(b.Devices[0].Options) != `{"baud":9600}` || b.Clock.Path != "clock" {
		t.Errorf("Parse = %+v", b)
	}
}

func TestFaultsByPath(t *testing.T) {
	for name, v := range map[string]struct {
		old, new string
		want     []string // the faults, whole
	}{
		"unknown key":  {`"title"`, `"titel": "y", "title"`, []string{"board.titel: is unknown, want one of name, title, status, machine, image, display, touch, audio, devices, clock, rtc, watchdog, power, usb, header, buses, pins"}},
		"key twice":    {`"name": "x"`, `"name": "x", "name": "x"`, []string{"board.name: is given twice"}},
		"option twice": {`"baud": 9600`, `"baud": 9600, "baud": 1`, []string{"board.devices[0].options.baud: is given twice"}},
		"missing":      {`"title": "X",`, ``, []string{"board.title: is missing, want a text of 1 to 256 bytes in one line"}},
		"wrong type":   {`1080`, `"1080"`, []string{`board.display.width: got "1080", want a whole number from 320 to 8192`}},
		"not whole":    {`1080`, `1080.5`, []string{"board.display.width: got 1080.5, want a whole number from 320 to 8192"}},
		"out of range": {`3.78`, `0`, []string{"board.display.px_per_mm: got 0, want a number from 1 to 40"}},
		"askew":        {`"rotation": 90`, `"rotation": 45`, []string{"board.display.rotation: got 45, want 0, 90, 180 or 270"}},
		"no list":      {`[{`, `{"a": [{`, nil},
		"class":        {`card-reader`, `toaster`, []string{`board.devices[0].class: got "toaster", want one of ` + strings.Join(board.Classes(), ", ")}},
		"driver":       {`pn532-hsu`, `PN532!`, []string{`board.devices[0].driver: got "PN532!", want a name of lower-case letters, digits and hyphens`}},
		"options":      {`{"baud": 9600}`, `[1]`, []string{"board.devices[0].options: got a list, want an object"}},
		"clock path":   {`"offset-file"`, `"system"`, []string{`board.clock.path: got a path, want none with driver "system"`}},
		"several": {
			`"width": 1080, "height": 1920`, `"width": 1, "height": 2, "deep": 3`,
			[]string{
				"board.display.deep: is unknown, want one of width, height, px_per_mm, rotation, connector",
				"board.display.width: got 1, want a whole number from 320 to 8192",
				"board.display.height: got 2, want a whole number from 240 to 8192",
			},
		},
		"no JSON": {`"clock"`, `clock`, nil},
		"nothing": {good, ``, nil},
		"two":     {good, good + good, nil},
		"deep":    {`9600`, strings.Repeat("[", 50) + strings.Repeat("]", 50), nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, v.old, v.new, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			b, err := board.Parse([]byte(text))
			if err == nil {
				t.Fatalf("Parse = %+v, want an error", b)
			}
			fs, ok := errors.AsType[board.Faults](err)
			if v.want == nil {
				return
			}
			if !ok || fs.Error() != strings.Join(v.want, "\n") {
				t.Errorf("Parse = %v\nwant  %s", err, strings.Join(v.want, "\n"))
			}
		})
	}
}

func TestPathIn(t *testing.T) {
	for _, v := range [][3]string{
		{"/run/ports", "reader", "/run/ports/reader"},
		{"/run/ports", "/dev/ttyS1", "/dev/ttyS1"},
		{"/run/ports", "", ""},
		{"/run/ports", "tcp:192.0.2.7:9100", "tcp:192.0.2.7:9100"},
		{"/run/ports", "usblp:/dev/usb/lp0", "usblp:/dev/usb/lp0"},
		{"/run/ports", "by-path/usb-0:1.1", "/run/ports/by-path/usb-0:1.1"},
		{"/run/ports", "ipp://10.0.0.2/ipp/print", "ipp://10.0.0.2/ipp/print"},
		{"/run/ports", "tcp:printer:9100", "tcp:printer:9100"},
		{"/run/ports", "usb:1-1.2", "usb:1-1.2"},
		{"/run/ports", "a/b:c", "/run/ports/a/b:c"},
	} {
		if got := board.PathIn(v[0], v[1]); got != v[2] {
			t.Errorf("PathIn(%q, %q) = %q, want %q", v[0], v[1], got, v[2])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, name := range board.Names() {
		b, err := os.ReadFile("../" + name + "/board.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"devices": [null, {}, 3], "display": [], "clock": null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := board.Parse(b)
		if (d == nil) == (err == nil) {
			t.Errorf("Parse = %v, %v, want exactly one of them", d, err)
		}
	})
}
