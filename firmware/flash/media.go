package flash

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// System is where the kernel tells of block devices. The zero value is this machine.
type System struct{ Sys, Proc, Dev string }

func (s System) sys() string  { return or(s.Sys, "/sys") }
func (s System) proc() string { return or(s.Proc, "/proc") }
func (s System) dev() string  { return or(s.Dev, "/dev") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Bus is how a medium is connected.
type Bus string

// The buses that are told apart.
const (
	USB  Bus = "usb"
	Card Bus = "card" // an SD card in a reader of the machine
	EMMC Bus = "emmc" // soldered in
	Loop Bus = "loop" // a file
	None Bus = "built-in"
)

// Medium is a block device that an image may be written to, or may not.
type Medium struct {
	Name      string   `json:"name"` // sdb, mmcblk0
	Path      string   `json:"path"` // /dev/sdb
	Bytes     int64    `json:"bytes"`
	Model     string   `json:"model,omitempty"`
	Bus       Bus      `json:"bus"`
	Removable bool     `json:"removable"`
	Parts     []string `json:"partitions"`
	// Refused is why nothing is written to it; empty: it may be.
	Refused []string `json:"refused,omitempty"`
	Hint    string   `json:"hint,omitempty"` // what to do about it
}

// String returns the medium in one line.
func (m Medium) String() string {
	s := fmt.Sprintf("%s: %s, %s", m.Path, Size(m.Bytes), m.Bus)
	if m.Model != "" {
		s += ", " + m.Model
	}
	return s
}

// Size writes a size as it stands on media: in powers of ten.
func Size(bytes int64) string {
	if bytes < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// disks are the names of devices that can be media at all: no RAM disks, no
// mapped devices, no parts of another.
var disks = regexp.MustCompile(`^(sd[a-z]+|mmcblk[0-9]+|nvme[0-9]+n[0-9]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+|loop[0-9]+)$`)

// Media returns the block devices of the machine that have a medium in them, sorted
// by name, with those that are refused and why. Loop devices are left out unless they
// are named: they are files.
func (s System) Media(named ...string) ([]Medium, error) {
	dirs, err := os.ReadDir(filepath.Join(s.sys(), "block"))
	if err != nil {
		return nil, fmt.Errorf("flash: list media: %w", err)
	}
	u, err := s.uses()
	if err != nil {
		return nil, fmt.Errorf("flash: list media: %w", err)
	}
	var out []Medium
	for _, d := range dirs {
		if !disks.MatchString(d.Name()) || strings.HasPrefix(d.Name(), "loop") && !slices.Contains(named, d.Name()) {
			continue
		}
		m, err := s.medium(d.Name(), u)
		if err != nil {
			return nil, fmt.Errorf("flash: look at %s: %w", d.Name(), err)
		}
		if m.Bytes > 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

// ErrNoMedium is returned for a name that is no block device with a medium.
var ErrNoMedium = errors.New("there is no such medium")

// Find returns the medium called name: "sdb", "/dev/sdb", or a link to it such as
// those below /dev/disk.
func (s System) Find(name string) (Medium, error) {
	path := name
	if !strings.Contains(name, "/") {
		path = filepath.Join(s.dev(), name)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Medium{}, fmt.Errorf("flash: %s: %w", name, ErrNoMedium)
	}
	base := filepath.Base(real)
	all, err := s.Media(base)
	if err != nil {
		return Medium{}, err
	}
	for _, m := range all {
		if m.Name == base && filepath.Dir(real) == filepath.Clean(s.dev()) {
			return m, nil
		}
		if slices.Contains(m.Parts, base) {
			return Medium{}, fmt.Errorf("flash: %s is a partition of %s, and an image takes the whole medium: %w", name, m.Path, ErrNoMedium)
		}
	}
	return Medium{}, fmt.Errorf("flash: %s: %w", name, ErrNoMedium)
}

func (s System) medium(name string, u uses) (Medium, error) {
	dir := filepath.Join(s.sys(), "block", name)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Medium{}, err
	}
	m := Medium{
		Name: name, Path: filepath.Join(s.dev(), name), Removable: attr(real, "removable") == "1", Bus: bus(name, real),
		Model: strings.Join(strings.Fields(attr(real, "device/vendor")+" "+or(attr(real, "device/model"), attr(real, "device/name"))), " "),
		Parts: []string{},
	}
	sectors, err := strconv.ParseInt(attr(real, "size"), 10, 64)
	if err != nil {
		return Medium{}, fmt.Errorf("its size cannot be read: %w", err)
	}
	m.Bytes = sectors * 512 // of the kernel's sectors, whatever the device's are
	subs, err := os.ReadDir(real)
	if err != nil {
		return Medium{}, err
	}
	for _, e := range subs {
		if attr(filepath.Join(real, e.Name()), "partition") != "" {
			m.Parts = append(m.Parts, e.Name())
		}
	}
	m.judge(real, u)
	return m, nil
}

// bus says how the device is connected; real is its folder in sysfs.
func bus(name, real string) Bus {
	switch {
	case strings.HasPrefix(name, "loop"):
		return Loop
	case strings.Contains(real, "/mmc_host/"):
		if attr(real, "device/type") == "MMC" {
			return EMMC
		}
		return Card
	case regexp.MustCompile(`/usb[0-9]+/`).MatchString(real):
		return USB
	}
	return None
}

// judge finds out why nothing may be written to m.
func (m *Medium) judge(real string, u uses) {
	no := func(hint, format string, args ...any) {
		m.Refused = append(m.Refused, fmt.Sprintf(format, args...))
		if m.Hint == "" {
			m.Hint = hint
		}
	}
	for _, name := range append([]string{m.Name}, m.Parts...) {
		dir := real
		if name != m.Name {
			dir = filepath.Join(real, name)
		}
		for _, at := range u.mounts(name, attr(dir, "dev")) {
			if at == "/" {
				no("choose another device", "%s holds the system that is running", name)
				continue
			}
			no("umount "+at+", after looking what is on it", "%s is mounted at %s", name, at)
		}
		if u.swap[name] {
			no("swapoff "+m.Path+" if it is really meant", "%s is swap space in use", name)
		}
		holders, _ := os.ReadDir(filepath.Join(dir, "holders")) // a device without the folder has none
		for _, h := range holders {
			no("choose another device, or take it out of its array, group or mapping first", "%s belongs to %s (RAID, LVM or a mapping)", name, h.Name())
		}
	}
	if attr(real, "ro") == "1" {
		no("move the card's lock, or use another adapter", "it is write-protected")
	}
	if m.Bus == None && !m.Removable {
		no("only media that can be taken out, USB devices and SD cards are written to", "it is built in")
	}
}

func attr(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "" // not every device has every attribute
	}
	return strings.TrimSpace(string(b))
}

// uses are what the system has in use.
type uses struct {
	at   map[string][]string // mount points, by the device's number and by its name
	swap map[string]bool
}

func (u uses) mounts(name, number string) []string {
	out := slices.Clone(u.at[name])
	if number != "" {
		out = append(out, u.at[number]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s System) uses() (uses, error) {
	u := uses{at: map[string][]string{}, swap: map[string]bool{}}
	err := lines(filepath.Join(s.proc(), "self/mountinfo"), func(line string) {
		before, after, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 2 {
			return
		}
		at, source := unescape(f[4]), unescape(g[1])
		u.at[f[2]] = append(u.at[f[2]], at)
		// btrfs and others invent a number; the source is what they were given.
		if strings.HasPrefix(source, "/") {
			if real, err := filepath.EvalSymlinks(source); err == nil {
				source = real
			}
			u.at[filepath.Base(source)] = append(u.at[filepath.Base(source)], at)
		}
	})
	if err != nil {
		return u, err
	}
	err = lines(filepath.Join(s.proc(), "swaps"), func(line string) {
		if name, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(name, "/") {
			u.swap[filepath.Base(unescape(name))] = true
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // a kernel without swap
	}
	return u, err
}

func lines(path string, each func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		each(sc.Text())
	}
	return sc.Err()
}

var octal = regexp.MustCompile(`\\[0-7]{3}`)

// unescape undoes the kernel's way of writing blanks in paths.
func unescape(s string) string {
	return octal.ReplaceAllStringFunc(s, func(o string) string {
		n, err := strconv.ParseUint(o[1:], 8, 8)
		if err != nil {
			return o
		}
		return string([]byte{byte(n)})
	})
}
