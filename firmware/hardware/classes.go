package hardware

import (
	"os"
	"strconv"
	"strings"
)

func (t tree) gpio() []Chip {
	out := []Chip{}
	for _, n := range t.list("sys/bus/gpio/devices") {
		if !strings.HasPrefix(n, "gpiochip") {
			continue
		}
		c := Chip{Name: n, Label: t.text("sys/bus/gpio/devices", n, "label")}
		// The older class tells more, where the kernel has it.
		for _, old := range t.list("sys/class/gpio") {
			if t.linked("sys/class/gpio", old, "device") == n {
				c.Label = t.text("sys/class/gpio", old, "label")
				c.Lines, _ = strconv.Atoi(t.text("sys/class/gpio", old, "ngpio")) // 0: it does not say
			}
		}
		out = append(out, c)
	}
	return out
}

func (t tree) buses() []string {
	out := []string{}
	for _, class := range []string{"i2c-dev", "spidev"} {
		out = append(out, t.list("sys/class", class)...)
	}
	return out
}

// named returns the members of a class with one of their attributes.
func (t tree) named(class, attr string) []Named {
	out := []Named{}
	for _, n := range t.list("sys/class", class) {
		out = append(out, Named{n, t.text("sys/class", class, n, attr)})
	}
	return out
}

func (t tree) clocks() []Named { return t.named("rtc", "name") }

func (t tree) tpm() []Named {
	out := t.named("tpm", "tpm_version_major")
	for i := range out {
		if out[i].What != "" {
			out[i].What = "version " + out[i].What
		}
	}
	return out
}

func (t tree) displays() []Display {
	out := []Display{}
	for _, n := range t.list("sys/class/drm") {
		status := t.text("sys/class/drm", n, "status")
		if status == "" {
			continue // the card itself
		}
		d := Display{Name: n, Status: status, Modes: []string{}}
		b, err := os.ReadFile(t.at("sys/class/drm", n, "modes"))
		if err == nil && len(b) <= 4096 {
			d.Modes = strings.Fields(string(b))
		}
		out = append(out, d)
	}
	for _, n := range t.list("sys/class/graphics") {
		if mode := t.text("sys/class/graphics", n, "virtual_size"); mode != "" {
			out = append(out, Display{n, "framebuffer", []string{strings.ReplaceAll(mode, ",", "x") + " " + t.text("sys/class/graphics", n, "bits_per_pixel") + " bits"}})
		}
	}
	return out
}

func (t tree) inputs() []string {
	out := []string{}
	for _, n := range t.list("sys/class/input") {
		if strings.HasPrefix(n, "event") {
			if name := t.text("sys/class/input", n, "device/name"); name != "" {
				out = append(out, n+" "+name)
			}
		}
	}
	return out
}

func (t tree) audio() []Named {
	out := []Named{}
	for _, n := range t.list("sys/class/sound") {
		if strings.HasPrefix(n, "card") {
			out = append(out, Named{n, t.text("sys/class/sound", n, "id")})
		}
	}
	return out
}

// network returns the cards. A virtual one has no device.
func (t tree) network() []Card {
	out := []Card{}
	for _, n := range t.list("sys/class/net") {
		if _, err := os.Stat(t.at("sys/class/net", n, "device")); err != nil {
			continue
		}
		c := Card{Name: n, Kind: "ethernet", Driver: t.linked("sys/class/net", n, "device/driver"), Link: "unknown"}
		if _, err := os.Stat(t.at("sys/class/net", n, "wireless")); err == nil {
			c.Kind = "wifi"
		} else if strings.HasPrefix(n, "ww") || c.Driver == "qmi_wwan" || c.Driver == "cdc_mbim" {
			c.Kind = "modem"
		}
		switch t.text("sys/class/net", n, "carrier") {
		case "1":
			c.Link = "up"
		case "0":
			c.Link = "down"
		}
		out = append(out, c)
	}
	return out
}

func (t tree) other() []Named {
	out := []Named{}
	for _, c := range []struct{ class, attr string }{{"watchdog", "identity"}, {"backlight", "type"}, {"thermal", "type"}, {"power_supply", "type"}, {"leds", "trigger"}} {
		for _, n := range t.named(c.class, c.attr) {
			if c.class == "leds" {
				n.What = "light"
			}
			if strings.HasPrefix(n.Name, "cooling_device") || strings.HasPrefix(n.Name, "input") {
				continue // lamps of keyboards, steps of processors
			}
			out = append(out, Named{c.class + "/" + n.Name, n.What})
		}
	}
	return out
}
