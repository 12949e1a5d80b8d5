package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// fetch has apt bring the kernel's packages, and unpacks them to dir.
func (d Debian) fetch(dir string) error {
	tmp, err := os.MkdirTemp("", "penjire-kernel-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	a := apt{dir: tmp}
	if d.Suite != "" {
		if err := a.look(d.Suite); err != nil {
			return err
		}
	}
	m, err := a.depends(d.Package, `linux-image-\S+`)
	if err != nil {
		return err
	}
	if len(m) == 0 {
		return errors.New("apt knows no kernel: apt-get update may help")
	}
	// Of late the image and its modules are packages of their own.
	parts, err := a.depends(m[0], `linux-(?:binary|modules)-\S+`)
	if err != nil {
		return err
	}
	parts = append(parts, m[0])
	if _, err := a.run("apt-get", append(slices.Clone(a.opts), append([]string{"download"}, parts...)...)...); err != nil {
		return err
	}
	debs, _ := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if len(debs) != len(parts) {
		return fmt.Errorf("apt-get download brought %d packages, want %d: %s", len(debs), len(parts), strings.Join(parts, " "))
	}
	for _, deb := range debs {
		if _, err := a.run("dpkg-deb", "-x", deb, "unpacked"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	_, err = a.run("cp", "-a", "unpacked", dir) // the folders may be on different disks
	return err
}

// apt asks apt, in a folder of its own.
type apt struct {
	dir  string
	opts []string
}

func (a apt) run(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = a.dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said.Bytes())
	}
	return out, nil
}

// depends returns what a package depends on, as far as its name is like.
func (a apt) depends(pkg, like string) (names []string, err error) {
	out, err := a.run("apt-cache", append(slices.Clone(a.opts), "depends", pkg)...)
	if err != nil {
		return nil, err
	}
	for _, m := range regexp.MustCompile(`(?m)^ +Depends: (`+like+`)$`).FindAllSubmatch(out, -1) {
		names = append(names, string(m[1]))
	}
	return names, nil
}

// keys are Debian's, of the package debian-archive-keyring.
const keys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// look has apt look in another suite of the mirror that this machine has Debian from.
// Its lists are of this run alone: what the machine itself looks at stays as it is.
func (a *apt) look(suite string) error {
	out, err := a.run("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`(?m)^Debian Debian main (\S+)$`).FindSubmatch(out)
	if m == nil {
		return errors.New("apt has no mirror of Debian: apt-get update may help")
	}
	signed := ""
	if _, err := os.Stat(keys); err == nil {
		signed = "[signed-by=" + keys + "] "
	}
	sources := filepath.Join(a.dir, "sources.list")
	if err := os.WriteFile(sources, fmt.Appendf(nil, "deb %s%s %s main\n", signed, m[1], suite), 0o644); err != nil {
		return err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	for _, o := range []string{"Dir::Etc::sourcelist=" + sources, "Dir::Etc::sourceparts=-", "Dir::State::lists=" + a.dir + "/lists", "Dir::Cache=" + a.dir + "/cache"} {
		a.opts = append(a.opts, "-o", o)
	}
	_, err = a.run("apt-get", append(slices.Clone(a.opts), "update", "-qq")...)
	return err
}
