package recipe

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/tree"
	"github.com/penjire/penjire/boards/layout"
)

// TestLocks wants every package that is asked for in the list that pins it.
func TestLocks(t *testing.T) {
	for name, b := range boards {
		for _, loader := range []bool{false, true} {
			text, err := b.Locked(loader)
			if err != nil {
				t.Fatal(err)
			}
			ps, err := lock.Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", b.LockName(loader), err)
			}
			names, err := b.Names()
			if loader {
				names, err = b.LoaderNames()
			}
			if err != nil || len(names) == 0 {
				t.Fatalf("%s: %d names, %v", name, len(names), err)
			}
			for _, n := range names {
				n, _, _ := strings.Cut(n, "/")
				if !slices.ContainsFunc(ps, func(p lock.Package) bool { return p.Name == n }) {
					t.Errorf("%s: %s is asked for and not pinned: make image-lock BOARD=%s", b.LockName(loader), n, name)
				}
			}
			for _, p := range ps {
				if p.Arch != "all" && p.Arch != b.Arch {
					t.Errorf("%s: %s is for %s, want %s", b.LockName(loader), p.Name, p.Arch, b.Arch)
				}
				if slices.Contains([]string{"openssh-server", "dropbear-bin", "telnetd", "avahi-daemon", "x11vnc", "wayvnc", "apt"}, p.Name) {
					t.Errorf("%s: %s has no place on a kiosk", b.LockName(loader), p.Name)
				}
			}
		}
	}
}

// changes returns what is changed for the board called name.
func changes(t *testing.T, name string) tree.Changes {
	t.Helper()
	b, err := For(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layout.For(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Root(l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPlaceholders(t *testing.T) {
	left := regexp.MustCompile(`@[A-Z][A-Z-]+@`)
	for name, b := range boards {
		for at, f := range changes(t, name).Files {
			if w := left.Find(f.Body); w != nil {
				t.Errorf("%s: %s has %s left", name, at, w)
			}
		}
		l, _ := layout.For(name)
		for _, f := range map[Boot][]string{GRUB: {"grub/grub.cfg"}, UBoot: {"uboot/boot.cmd", "uboot/config.txt"}}[b.Boot] {
			body, err := b.LoaderFile(l, f)
			if err != nil {
				t.Fatal(err)
			}
			if w := left.Find(body); w != nil {
				t.Errorf("%s: %s has %s left", name, f, w)
			}
			for _, s := range layout.Slots {
				if strings.Contains(f, "config.txt") {
					continue
				}
				if !strings.Contains(string(body), l.Identity(s.Root)) || !strings.Contains(string(body), "rauc.slot=") {
					t.Errorf("%s: %s does not start slot %s from %s", name, f, s.Name, l.Identity(s.Root))
				}
			}
		}
	}
}

// TestSlots wants RAUC to know the slots as the layout has them.
func TestSlots(t *testing.T) {
	for name := range boards {
		l, _ := layout.For(name)
		conf := string(changes(t, name).Files["etc/rauc/system.conf"].Body)
		for _, want := range []string{
			"compatible=" + layout.Compatible(name) + "\n", "path=" + layout.Keyring + "\n", "statusfile=" + layout.UpdateDir + "/",
			"device=" + l.Device(layout.RootA) + "\n", "device=" + l.Device(layout.RootB) + "\n",
			"device=" + l.Device(layout.BootA) + "\n", "device=" + l.Device(layout.BootB) + "\n", "parent=rootfs.1",
		} {
			if !strings.Contains(conf, want) {
				t.Errorf("%s: system.conf lacks %q:\n%s", name, want, conf)
			}
		}
	}
}

// TestPolicies wants a browser that reaches the daemon and nothing else.
func TestPolicies(t *testing.T) {
	var p map[string]any
	if err := json.Unmarshal(changes(t, "vm").Files["etc/chromium/policies/managed/penjire.json"].Body, &p); err != nil {
		t.Fatal(err)
	}
	blocked, _ := p["URLBlocklist"].([]any)
	for _, want := range []string{"*", "file://*", "data:*", "javascript://*", "view-source:*", "chrome://*"} {
		if !slices.Contains(blocked, any(want)) {
			t.Errorf("URLBlocklist = %v, want %s in it", blocked, want)
		}
	}
	if got, _ := p["URLAllowlist"].([]any); len(got) != 1 || got[0] != "http://127.0.0.1:7780" {
		t.Errorf("URLAllowlist = %v, want the daemon's origin alone", got)
	}
	for key, want := range map[string]any{
		"DeveloperToolsAvailability": 2., "RemoteDebuggingAllowed": false, "DownloadRestrictions": 3., "AllowFileSelectionDialogs": false,
		"PrintingEnabled": false, "IncognitoModeAvailability": 2., "ForceEphemeralProfiles": true, "PasswordManagerEnabled": false,
	} {
		if p[key] != want {
			t.Errorf("%s = %v, want %v", key, p[key], want)
		}
	}
}

// TestAccounts wants no account that anybody could log in to.
func TestAccounts(t *testing.T) {
	users := string(passwd([]byte("root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\n")))
	for line := range strings.Lines(users) {
		if !strings.HasSuffix(line, ":/usr/sbin/nologin\n") {
			t.Errorf("passwd: %s has a shell", line)
		}
	}
	locked := string(shadow([]byte("root:$y$hash:19000:0:99999:7:::\n")))
	for line := range strings.Lines(locked) {
		if f := strings.Split(line, ":"); f[1] != "!*" {
			t.Errorf("shadow: %s is not locked", line)
		}
	}
	for _, u := range []string{layout.DaemonUser, layout.ScreenUser} {
		if !strings.Contains(users, "\n"+u+":x:8") || !strings.Contains(locked, "\n"+u+":") || !strings.Contains(string(group(nil)), u+":x:8") {
			t.Errorf("%s is not in passwd, shadow and group", u)
		}
	}
}

func TestDropped(t *testing.T) {
	for at, want := range map[string]bool{
		"boot/vmlinuz-6": true, "var/lib/dpkg/status": true, "var": false, "usr/share/doc/x/copyright": true, "usr/bin/grub-editenv": false,
		"usr/bin/grub-mkimage": true, "usr/lib/chromium/chromium": false, "etc/passwd-": true, "etc/passwd": false,
	} {
		if got := dropped(at); got != want {
			t.Errorf("dropped(%s) = %v, want %v", at, got, want)
		}
	}
}

// TestFilesAreRead fails if the embedding ever finds nothing.
func TestFilesAreRead(t *testing.T) {
	n := 0
	err := fs.WalkDir(data, "files", func(_ string, e fs.DirEntry, err error) error {
		if !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n < 20 {
		t.Errorf("%d files, %v", n, err)
	}
}

// TestFirewall wants nothing let in, and nothing out for the browser.
func TestFirewall(t *testing.T) {
	rules := string(changes(t, "vm").Files["etc/nftables.conf"].Body)
	if got := strings.Count(rules, "policy drop;"); got != 3 {
		t.Errorf("%d chains drop what nothing accepts, want input, forward and output", got)
	}
	for line := range strings.Lines(rules) {
		if strings.Contains(line, "skuid screen") {
			t.Errorf("the browser's user is let out: %s", line)
		}
	}
}
