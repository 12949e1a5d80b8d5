package medium

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FAT writes a FAT file system of size bytes with these files to the file at to.
func FAT(to string, size int64, label string, files map[string][]byte, at time.Time) error {
	if err := fat(to, size, label, files, at); err != nil {
		return fmt.Errorf("medium: FAT %s: %w", filepath.Base(to), err)
	}
	return nil
}

func fat(to string, size int64, label string, files map[string][]byte, at time.Time) error {
	_ = os.Remove(to)
	args := []string{"-C", "-i", to, "-N", "50454e4a", "-T", strconv.FormatInt(size/512, 10), "-h", "255", "-s", "63"}
	if label != "" {
		args = append(args, "-v", label)
	}
	if err := mtool(at, "mformat", append(args, "::")...); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), "fat")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	made := map[string]bool{".": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var dirs []string
		for d := path.Dir(name); !made[d]; d = path.Dir(d) {
			dirs, made[d] = append(dirs, d), true
		}
		for _, d := range slices.Backward(dirs) {
			if err := mtool(at, "mmd", "-i", to, "::"+d); err != nil {
				return err
			}
		}
		one := filepath.Join(tmp, "file")
		if err := os.WriteFile(one, files[name], 0o600); err != nil {
			return err
		}
		if err := os.Chtimes(one, at, at); err != nil {
			return err
		}
		if err := mtool(at, "mcopy", "-m", "-i", to, one, "::"+name); err != nil {
			return err
		}
	}
	return nil
}

// mtool runs a tool of mtools, whose times are in local time and, where there is
// no other, those of SOURCE_DATE_EPOCH.
func mtool(at time.Time, tool string, args ...string) error {
	c := exec.Command(tool, args...)
	c.Env = append(os.Environ(), "TZ=UTC", "MTOOLS_SKIP_CHECK=1", "SOURCE_DATE_EPOCH="+strconv.FormatInt(at.Unix(), 10))
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(string(out)))
	}
	return nil
}
