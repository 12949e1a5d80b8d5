package recipe

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/penjire/penjire/boards/layout"
)

// Numbers of our users and groups. They are on the data partition, so they never
// change; Debian gives none of its packages these.
const (
	DaemonID = 800
	ScreenID = 801
)

var groups = []struct {
	name string
	id   int
}{{layout.DaemonUser, DaemonID}, {layout.ScreenUser, ScreenID}, {"gpio", 802}, {"i2c", 803}, {"spi", 804}}

// passwd adds our users, and gives nobody a shell.
func passwd(b []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 7 {
			f[6] = "/usr/sbin/nologin"
		}
		fmt.Fprintln(&out, strings.Join(f, ":"))
	}
	fmt.Fprintf(&out, "%s:x:%d:%d:Penjire's daemon:/data/kiosk:/usr/sbin/nologin\n", layout.DaemonUser, DaemonID, DaemonID)
	fmt.Fprintf(&out, "%s:x:%d:%d:Penjire's screen:/run/penjire-screen:/usr/sbin/nologin\n", layout.ScreenUser, ScreenID, ScreenID)
	return out.Bytes()
}

func group(b []byte) []byte {
	out := bytes.NewBuffer(bytes.Clone(b))
	for _, g := range groups {
		fmt.Fprintf(out, "%s:x:%d:\n", g.name, g.id)
	}
	return out.Bytes()
}

// shadow locks every account, and adds ours: no password opens any of them, and
// none of them ever expires.
func shadow(b []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 9 {
			f[1], f[2] = "!*", "1"
		}
		fmt.Fprintln(&out, strings.Join(f, ":"))
	}
	for _, u := range []string{layout.DaemonUser, layout.ScreenUser} {
		fmt.Fprintf(&out, "%s:!*:1::::::\n", u)
	}
	return out.Bytes()
}
