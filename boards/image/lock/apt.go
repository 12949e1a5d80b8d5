package lock

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Mirrors are where archives are fetched from: addresses, each with a slash at its
// end.
type Mirrors map[Archive]string

// FindMirrors asks this machine's apt where it gets Debian from.
func FindMirrors(ctx context.Context) (Mirrors, error) {
	c := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("lock: ask apt for its mirrors: %w", err)
	}
	m := Mirrors{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 3 || f[0] != "Debian" {
			continue
		}
		a := Debian
		if f[1] == "Debian-Security" {
			a = Security
		}
		if m[a] == "" && (f[1] == "Debian" || a == Security) {
			m[a] = strings.TrimSuffix(f[2], "/") + "/"
		}
	}
	for _, a := range []Archive{Debian, Security} {
		if m[a] == "" {
			return nil, fmt.Errorf("lock: apt here knows no mirror of %s: run apt-get update, or say where it is with -mirror %s=URL", a, a)
		}
	}
	return m, nil
}

// Wish is what a list is made of.
type Wish struct {
	Suite, Arch string
	Names       []string // with all that they need; "name/suite" takes it from that suite
	Alone       []string // without: only files are taken from them
	Keyring     string   // file of the keys that sign the archives
}

// Resolve asks apt, with a folder of its own below dir, which packages w is now.
// It changes nothing of this machine's apt.
func Resolve(ctx context.Context, dir string, w Wish, m Mirrors) (all, alone []Package, err error) {
	a, err := newApt(dir, w, m)
	if err != nil {
		return nil, nil, fmt.Errorf("lock: %w", err)
	}
	if _, err := a.run(ctx, "update", "-q"); err != nil {
		return nil, nil, err
	}
	out, err := a.run(ctx, append([]string{"install", "-qq", "--yes", "--print-uris", "?and(?essential,?not(?exact-name(apt)))"}, w.Names...)...)
	if err != nil {
		return nil, nil, err
	}
	if all, err = a.packages(out); err != nil {
		return nil, nil, err
	}
	if len(w.Alone) == 0 {
		return all, nil, nil
	}
	if out, err = a.run(ctx, append([]string{"download", "-qq", "--print-uris"}, w.Alone...)...); err != nil {
		return nil, nil, err
	}
	alone, err = a.packages(out)
	return all, alone, err
}

// from reports whether packages may come from the suite: a suite of backports is asked
// only for what is wished of it.
func (w Wish) from(suite string) bool {
	return !strings.HasSuffix(suite, "-backports") || slices.ContainsFunc(w.Names, func(n string) bool { return strings.HasSuffix(n, "/"+suite) })
}

// apt is apt-get with a configuration of its own.
type apt struct {
	conf string
	m    Mirrors
}

func newApt(dir string, w Wish, m Mirrors) (*apt, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	const parts = "main non-free-firmware"
	var sources strings.Builder
	for _, s := range []struct {
		a     Archive
		suite string
	}{{Debian, w.Suite}, {Debian, w.Suite + "-updates"}, {Security, w.Suite + "-security"}, {Debian, w.Suite + "-backports"}} {
		if !w.from(s.suite) {
			continue
		}
		fmt.Fprintf(&sources, "deb [signed-by=%s] %s %s %s\n", w.Keyring, m[s.a], s.suite, parts)
	}
	conf := fmt.Sprintf(`APT::Architecture %[2]q;
APT::Architectures { %[2]q; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Dir::State %[1]q;
Dir::State::lists "%[1]s/lists";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
`, dir, w.Arch)
	a := &apt{conf: filepath.Join(dir, "apt.conf"), m: m}
	return a, errors.Join(
		os.WriteFile(filepath.Join(dir, "sources.list"), []byte(sources.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "status"), nil, 0o644),
		os.WriteFile(a.conf, []byte(conf), 0o644),
	)
}

func (a *apt) run(ctx context.Context, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "apt-get", args...)
	c.Env = append(os.Environ(), "APT_CONFIG="+a.conf, "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("lock: apt-get %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()+string(out)))
	}
	return out, nil
}

// packages reads what apt prints of what it would fetch: 'ADDRESS' FILE SIZE SHA256:HASH.
func (a *apt) packages(out []byte) ([]Package, error) {
	var ps []Package
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		p, err := a.parseLine(s.Text())
		if err != nil {
			return nil, fmt.Errorf("lock: apt-get says %q: %w", s.Text(), err)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func (a *apt) parseLine(line string) (Package, error) {
	f := strings.Split(line, " ")
	if len(f) != 4 {
		return Package{}, errors.New("not an address, a file, a size and a hash")
	}
	address := strings.Trim(f[0], "'")
	for archive, base := range a.m {
		rest, ok := strings.CutPrefix(address, base)
		if !ok {
			continue
		}
		at, err := url.PathUnescape(rest)
		if err != nil {
			return Package{}, err
		}
		nva := strings.Split(strings.TrimSuffix(f[1], ".deb"), "_") // name, version, architecture
		hash, ok := strings.CutPrefix(f[3], "SHA256:")
		if len(nva) != 3 || !ok {
			return Package{}, errors.New("no version in the file's name, or no SHA-256")
		}
		if nva[1], err = url.PathUnescape(nva[1]); err != nil {
			return Package{}, err
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return Package{}, err
		}
		return Package{Name: nva[0], Version: nva[1], Arch: nva[2], Archive: archive, Size: size, SHA256: hash, Path: at}, nil
	}
	return Package{}, errors.New("it is of no mirror that was asked for")
}
