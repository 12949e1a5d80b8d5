package board_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/boards/rpi4"
)

// TestFaultsOfTheWhole changes one thing of a real board and wants exactly that
// said.
func TestFaultsOfTheWhole(t *testing.T) {
	for name, v := range map[string]struct{ old, new, want string }{
		"pin twice": {
			`{"pin": 13, "line": "GPIO27"`, `{"pin": 11, "line": "GPIO17"`,
			"board.pins[6].pin: pin 11 is used twice, by door and by tamper\n" +
				`board.devices[3].options: device tamper uses the line GPIO27, and no pin of the board has it for tamper` + "\n" +
				`board.pins[6].line: got "GPIO17", want a line that the options of tamper name`,
		},
		"no such pin": {`"pin": 11,`, `"pin": 41,`, "board.pins[4].pin: got 41, want a whole number from 1 to 40\n" +
			"board.devices[2].options: device door uses the line GPIO17, and no pin of the board has it for door"},
		"another pin": {`"pin": 11,`, `"pin": 12,`, `board.pins[4].line: got "GPIO17", want "GPIO18": that is what pin 12 of this header is`},
		"a bus has it": {
			`"line": "GPIO22", "kind"`, `"line": "GPIO15", "kind"`,
			`board.devices[4].options: device presence uses the line GPIO15, and no pin of the board has it for presence` + "\n" +
				`board.pins[9].line: got "GPIO22", want a line that the options of presence name`,
		},
		"the console has it": {
			`{"pin": 15, "line": "GPIO22"`, `{"pin": 10, "line": "GPIO15"`,
			"board.pins[9].use: pin 10 (GPIO15) has another function: the bus uart of this board is on it",
		},
		"no such bus":   {`"buses": ["i2c1", "uart"]`, `"buses": ["uart", "can0"]`, `board.buses[1]: got "can0", want one of i2c1, spi0, uart`},
		"kept":          {`{"pin": 11, "line": "GPIO17"`, `{"pin": 27, "line": "GPIO0"`, "board.pins[4].pin: pin 27 (GPIO0) is not free: it reads the memory of an add-on board at the start"},
		"five volts":    {`"line": "GPIO17", "device": "door", "use": "gpio", "volts": 3.3`, `"line": "GPIO17", "device": "door", "use": "gpio", "volts": 5`, "board.pins[4].volts: got 5 V, want 3.3 V: GPIO17 bears nothing else"},
		"no bus":        {`"buses": ["i2c1", "uart"]`, `"buses": ["uart"]`, `board.rtc.kind: got ds3231, want the bus i2c1 among the board's buses: the clock is on it`},
		"console":       {`"buses": ["i2c1", "uart"]`, `"buses": ["i2c1"]`, `board.image.console[0]: got "ttyS1,115200", want the bus uart among the board's buses: a serial console takes pins of the header`},
		"use":           {`"line": "GND", "device": "door", "use": "ground"`, `"line": "GND", "device": "door", "use": "power"`, `board.pins[5].use: got "power", want what GND is for`},
		"whose":         {`"line": "GND", "device": "door"`, `"line": "GND", "device": "gate"`, `board.pins[5].device: got "gate", want the name of a device of this board`},
		"colour":        {`"colour": "green"`, `"colour": "pink"`, `board.pins[4].colour: got "pink", want one of ` + strings.Join(board.Colours(), ", ")},
		"header":        {`"raspberry-pi-40"`, `"arduino"`, `board.header: got "arduino", want one of raspberry-pi-40`},
		"kept by":       {`"kept_by": "systemd"`, `"kept_by": "kiosk"`, "board.watchdog.kept_by: got kiosk, want systemd: the board has no device of class watchdog"},
		"fail line":     {`"fail_line": "supply"`, `"fail_line": "door"`, `board.power.fail_line: got "door", want a sensor of the kind supplyFailing`},
		"no fail line":  {`"fail_line": "supply"`, `"fail_line": "reader"`, `board.power.fail_line: got "reader", want the name of a device of class sensor of this board`},
		"hold":          {`"hold_ms": 500`, `"hold_ms": 20`, "board.power.hold_ms: got 20, want a whole number from 200 to 600000"},
		"solar":         {`{"profile": "mains", "fail_line": "supply", "hold_ms": 500}`, `{"profile": "solar"}`, `board.power.profile: got "solar", want mains: nothing on the board says how the battery is (fail_line or monitor)`},
		"connector":     {`"HDMI-A-1"`, `"HDMI1"`, `board.display.connector: got "HDMI1", want a connector as the kernel names it, such as HDMI-A-1`},
		"U-Boot":        {`"loader": "u-boot"`, `"loader": "grub-efi"`, `board.image.u_boot: got U-Boot, want none with the boot loader "grub-efi"`},
		"device tree":   {`broadcom/bcm2711-rpi-4-b.dtb`, `/etc/passwd`, `board.image.device_tree: got "/etc/passwd", want a path ending in .dtb below the kernel's device trees`},
		"architecture":  {`"architecture": "arm64"`, `"architecture": "mips"`, `board.image.architecture: got "mips", want one of amd64, arm64, arm`},
		"clock device":  {`"device": "/dev/rtc0"}`, `"device": "rtc0"}`, `board.rtc.device: got "rtc0", want a path from /`},
		"socket twice":  {`"place": "lower-left"`, `"place": "upper-left"`, `board.usb[2].place: "upper-left" is taken by an earlier socket`},
		"no machine":    {`"models": ["Raspberry Pi 4 Model B"], `, ``, "board.machine: got neither models nor dmi, want one of them: nothing would ever be this board"},
		"experimental":  {`"seen":`, `"experimental": true, "seen":`, "board.status.why: is missing, want an object"},
		"experimental?": {`"seen":`, `"experimental": "yes", "seen":`, `board.status.experimental: got "yes", want true or false`},
		"why in one":    {`"seen":`, `"experimental": true, "why": {"en": "x"}, "seen":`, "board.status.why.tk: is missing, want a text of 1 to 256 bytes in one line"},
		"why not":       {`"seen":`, `"why": "x", "seen":`, "board.status.why: got a reason, want none: the board is not experimental"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(rpi4.JSON), v.old, v.new, 1)
			if text == string(rpi4.JSON) {
				t.Fatalf("there is no %s to change", v.old)
			}
			_, err := board.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("Parse = %v\nwant    %s", err, v.want)
			}
		})
	}
}

// TestFaultsNameTheFile: a technician sees which file, where in it, what was found
// and what is allowed.
func TestFaultsNameTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.json")
	if err := os.WriteFile(path, []byte(strings.Replace(good, "1080", "10", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	want := path + ": board.display.width: got 10, want a whole number from 320 to 8192"
	if _, err := board.ParseFile(path); err == nil || err.Error() != want {
		t.Errorf("ParseFile = %v, want %s", err, want)
	}
	if _, err := board.ParseFile(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ParseFile of no file = %v, want that there is none", err)
	}
}

// TestBuildableBoardsSayEverything: an image needs what a board of emulated devices
// may leave out.
func TestBuildableBoardsSayEverything(t *testing.T) {
	built := 0
	for _, b := range all(t) {
		if b.Status.Seen == "" && b.Name != "bench" {
			t.Errorf("%s does not say what it was seen on", b.Name)
		}
		if b.Image.Architecture == "" {
			continue
		}
		built++
		if len(b.Machine.Models)+len(b.Machine.DMI) == 0 || b.Touch.Kind == "" || b.Audio.Output == "" || b.RTC.Kind == "" ||
			b.Watchdog.Device == "" || b.Power.Profile == "" || len(b.Image.Console) == 0 {
			t.Errorf("%s leaves something out: %+v", b.Name, b)
		}
		// Every device that hangs on a socket hangs on one that the page can draw.
		for _, d := range b.Devices {
			on := !strings.Contains(d.Port, "usb")
			for _, s := range b.USB {
				on = on || d.Port == s.Port || strings.HasPrefix(d.Port, s.Port+":")
			}
			if !on {
				t.Errorf("%s: device %s is on %s, which is none of its sockets", b.Name, d.Name, d.Port)
			}
		}
	}
	if built != 6 {
		t.Errorf("got %d boards with an image, want 6", built)
	}
}
