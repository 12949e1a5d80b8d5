package board

import (
	"slices"
	"strings"
)

// optional calls read unless n says nothing.
func optional[T any](n node, read func(node) T) (v T) {
	if n.v == nil {
		return v
	}
	return read(n)
}

func status(n node) Status {
	n.only("experimental", "why", "seen")
	s := Status{Seen: n.key("seen").text()}
	if e := n.key("experimental"); e.v != nil {
		s.Experimental = e.truth()
	}
	switch w := n.key("why"); {
	case s.Experimental:
		w.only("tk", "ru", "en")
		s.Why = Words{w.key("tk").text(), w.key("ru").text(), w.key("en").text()}
	case w.v != nil:
		w.fault("got a reason, want none: the board is not experimental")
	}
	return s
}

func machine(n node) Machine {
	n.only("models", "similar", "dmi", "architecture")
	m := Machine{Architecture: optional(n.key("architecture"), architecture), Models: optional(n.key("models"), texts), Similar: optional(n.key("similar"), texts)}
	for _, e := range optional(n.key("dmi"), node.items) {
		e.only("vendor", "product")
		m.DMI = append(m.DMI, DMI{optional(e.key("vendor"), node.text), optional(e.key("product"), node.text)})
	}
	if len(m.Models)+len(m.DMI) == 0 {
		n.fault("got neither models nor dmi, want one of them: nothing would ever be this board")
	}
	return m
}

func architecture(n node) string { return n.oneOf("amd64", "arm64", "arm") }

func image(n node) Image {
	n.only("architecture", "kernel", "loader", "u_boot", "device_tree", "overlays", "firmware", "console", "arguments", "packages")
	i := Image{
		Architecture: architecture(n.key("architecture")), Kernel: n.key("kernel").oneOf("debian", "backports"),
		Loader: n.key("loader").oneOf("grub-efi", "u-boot"), DeviceTree: optional(n.key("device_tree"), node.text),
		Overlays: optional(n.key("overlays"), texts), Firmware: optional(n.key("firmware"), texts),
		Console: texts(n.key("console")), Arguments: optional(n.key("arguments"), texts), Packages: n.key("packages").oneOf("chromium", "cog"),
	}
	switch u := n.key("u_boot"); {
	case i.Loader == "u-boot":
		i.UBoot = u.text()
	case u.v != nil:
		u.fault("got U-Boot, want none with the boot loader %q", i.Loader)
	}
	if i.DeviceTree != "" && (!strings.HasSuffix(i.DeviceTree, ".dtb") || strings.HasPrefix(i.DeviceTree, "/") || strings.Contains(i.DeviceTree, "..")) {
		n.key("device_tree").fault("got %q, want a path ending in .dtb below the kernel's device trees", i.DeviceTree)
	}
	return i
}

func touch(n node) Touch {
	n.only("kind", "name")
	return Touch{Kind: n.key("kind").oneOf("usb", "i2c", "virtual", "none"), Name: optional(n.key("name"), node.text)}
}

func audio(n node) Audio {
	n.only("output", "card")
	return Audio{Output: n.key("output").oneOf("hdmi", "jack", "usb", "none"), Card: optional(n.key("card"), node.text)}
}

// watchdog reads who keeps the watchdog: two keepers would each hide that the
// other one hangs.
func watchdog(n node, d *Board) WatchdogTimer {
	n.only("device", "driver", "seconds", "kept_by")
	w := WatchdogTimer{
		Device: n.key("device").file(), Driver: n.key("driver").text(), Seconds: n.key("seconds").integer(1, 3600),
		KeptBy: n.key("kept_by").oneOf("systemd", "kiosk"),
	}
	switch _, has := d.Find(Watchdog); {
	case w.KeptBy == "kiosk" && !has:
		n.key("kept_by").fault("got kiosk, want systemd: the board has no device of class watchdog")
	case w.KeptBy == "systemd" && has:
		n.key("kept_by").fault("got systemd, want kiosk: the board has a device of class watchdog, and only one may keep it")
	}
	return w
}

func power(n node, d *Board) Power {
	n.only("profile", "fail_line", "monitor", "hold_ms")
	p := Power{Profile: n.key("profile").oneOf(Mains, UPS, Solar)}
	if f := n.key("fail_line"); f.v != nil {
		p.FailLine = f.deviceOf(d, Sensor)
		p.HoldMS = n.key("hold_ms").integer(200, 600_000)
		if x, ok := d.named(p.FailLine); ok && !strings.Contains(string(x.Options), `"supplyFailing"`) {
			f.fault("got %q, want a sensor of the kind supplyFailing", p.FailLine)
		}
	} else if h := n.key("hold_ms"); h.v != nil {
		h.fault("got a time, want none without fail_line")
	}
	if m := n.key("monitor"); m.v != nil {
		p.Monitor = m.deviceOf(d, PowerMonitor)
	}
	if p.Profile != "mains" && p.Profile != "" && p.FailLine+p.Monitor == "" {
		n.key("profile").fault("got %q, want mains: nothing on the board says how the battery is (fail_line or monitor)", p.Profile)
	}
	return p
}

func rtc(n node) RTC {
	n.only("kind", "device")
	r := RTC{Kind: n.key("kind").oneOf("ds3231", "cmos", "rpi", "none")}
	switch p := n.key("device"); {
	case r.Kind == "none" && p.v != nil:
		p.fault("got a device, want none with the kind none")
	case r.Kind != "none":
		r.Device = p.file()
	}
	return r
}

func sockets(n node) []Socket {
	var out []Socket
	seen := map[string]bool{}
	for _, e := range n.items() {
		e.only("place", "kind", "port")
		s := Socket{Place: e.key("place").oneOf(Places()...), Kind: e.key("kind").oneOf("usb2", "usb3", "micro", "ethernet")}
		switch p := e.key("port"); {
		case s.Kind != "ethernet":
			s.Port = p.text()
		case p.v != nil:
			p.fault("got a port, want none with the kind ethernet")
		}
		for _, k := range []string{"place", "port"} {
			v := s.Place
			if k == "port" {
				v = s.Port
			}
			if v != "" && seen[v] {
				e.key(k).fault("%q is taken by an earlier socket", v)
			}
			seen[v] = true
		}
		out = append(out, s)
	}
	return out
}

// together notes what fits each by itself and not with the rest.
func together(root node, d *Board) {
	i := root.key("image")
	if d.Image.Architecture != "" && d.Header != "" && !slices.Contains(d.Buses, "uart") {
		for n, c := range d.Image.Console {
			if strings.HasPrefix(c, "ttyS") || strings.HasPrefix(c, "ttyAMA0") || strings.HasPrefix(c, "ttyAMA1,") {
				i.key("console").items()[n].fault("got %q, want the bus uart among the board's buses: a serial console takes pins of the header", c)
			}
		}
	}
	if d.RTC.Kind == "ds3231" && d.Header != "" && !slices.Contains(d.Buses, "i2c1") {
		root.key("rtc").key("kind").fault("got ds3231, want the bus i2c1 among the board's buses: the clock is on it")
	}
}
