package medium

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Ext4 writes an ext4 file system of size bytes to the file at to, with the content
// of folder; "" is none.
func Ext4(to string, size int64, label, folder string, at time.Time) error {
	_ = os.Remove(to)
	args := []string{
		"-q", "-t", "ext4", "-L", label, "-m", "1", "-b", "4096", "-I", "256", "-U", strings.ToLower(guid(label)),
		"-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard,resize=16777216,root_owner=0:0,hash_seed=" + strings.ToLower(guid(label+" hash")),
	}
	if folder != "" {
		args = append(args, "-d", folder)
	}
	c := exec.Command("mke2fs", append(args, to, strconv.FormatInt(size>>10, 10)+"k")...)
	c.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(at.Unix(), 10), "E2FSPROGS_FAKE_TIME="+strconv.FormatInt(at.Unix(), 10))
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("medium: ext4 %s: mke2fs: %w: %s", filepath.Base(to), err, strings.TrimSpace(string(out)))
	}
	return nil
}
