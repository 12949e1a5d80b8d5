package recipe

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/image/tree"
	"github.com/penjire/penjire/boards/layout"
)

// TestUnits has systemd itself read our units.
func TestUnits(t *testing.T) {
	c := changes(t, "vm")
	units := map[string][]byte{}
	for at, f := range c.Files {
		if dir, name := filepath.Split(at); dir == "usr/lib/systemd/system/" && strings.HasSuffix(name, ".service") {
			units[name] = f.Body
		}
	}
	for _, name := range []string{layout.DaemonUnit, layout.ScreenUnit} {
		body := string(units[name])
		if body == "" {
			t.Fatalf("there is no %s", name)
		}
		for _, want := range []string{"\nCapabilityBoundingSet=\n", "\nNoNewPrivileges=yes\n", "\nProtectSystem=strict\n", "\nWatchdogSec=", "\nRestart=always\n", "\nSystemCallArchitectures=native\n"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", name, strings.TrimSpace(want))
			}
		}
		if u := map[string]string{layout.DaemonUnit: layout.DaemonUser, layout.ScreenUnit: layout.ScreenUser}[name]; !strings.Contains(body, "\nUser="+u+"\n") {
			t.Errorf("%s does not run as %s", name, u)
		}
	}
	tool := analyze(t)
	dir := t.TempDir()
	for name, body := range units {
		// Programs and users of the image are not this machine's.
		text := regexp.MustCompile(`(?m)^(Exec\w+=-?)/\S+`).ReplaceAllString(string(body), "${1}/bin/true")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "@") {
			continue
		}
		v := exec.Command(tool, "verify", "--man=no", "--recursive-errors=no", filepath.Join(dir, name))
		v.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=warning")
		out, _ := v.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			// The image's systemd is 257; RestartMode came with 254.
			if strings.Contains(line, filepath.Join(dir, name)+":") && !strings.Contains(line, "Unknown key 'RestartMode'") {
				t.Errorf("systemd-analyze verify: %s", line)
			}
		}
	}
}

// analyze returns systemd's reader of units.
func analyze(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("systemd-analyze is missing and PENJIRE_PEERS=require")
		}
		t.Skip("LEFT OUT: systemd-analyze is not here; units were not read by it")
	}
	return tool
}

// TestStartOrder has systemd put the start of every board's units in order, among those
// of this machine. Of units that wait for one another in a circle it leaves one out, and
// another one at each start: the kiosk comes up without its screen once in a while.
func TestStartOrder(t *testing.T) {
	tool := analyze(t)
	cycles := func(c tree.Changes) string {
		dir := t.TempDir()
		put := func(at string, with func(to string) error) {
			if !strings.Contains(at, "/systemd/system/") {
				return
			}
			to := filepath.Join(dir, at)
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), with(to)); err != nil {
				t.Fatal(err)
			}
		}
		for at, f := range c.Files {
			text := regexp.MustCompile(`(?m)^(Exec\w+=-?)/\S+`).ReplaceAll(f.Body, []byte("${1}/bin/true"))
			put(at, func(to string) error { return os.WriteFile(to, text, 0o600) })
		}
		wanted := 0
		for at, to := range c.Links {
			put(at, func(at string) error { wanted++; return os.Symlink(to, at) })
		}
		if wanted < 5 {
			t.Errorf("%d units are enabled, want all of ours", wanted)
		}
		v := exec.Command(tool, "verify", "--man=no", "multi-user.target", "sysinit.target", "timers.target")
		v.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=warning", "SYSTEMD_UNIT_PATH="+dir+"/etc/systemd/system:"+dir+"/usr/lib/systemd/system:")
		out, _ := v.CombinedOutput()
		var found []string
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "ordering cycle") {
				found = append(found, line)
			}
		}
		return strings.Join(found, "")
	}
	for name := range boards {
		if found := cycles(changes(t, name)); found != "" {
			t.Errorf("%s:\n%s", name, found)
		}
	}
	const path = "usr/lib/systemd/system/penjire-screen.path"
	c := changes(t, "vm")
	f := c.Files[path]
	f.Body = []byte(strings.Replace(string(f.Body), "DefaultDependencies=no\n", "", 1))
	c.Files[path] = f
	if cycles(c) == "" {
		t.Error("a circle that was put in is not seen")
	}
}
