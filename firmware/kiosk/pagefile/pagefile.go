// Package pagefile is how the daemon tells who watches over the browser that a page
// was painted: a small file, in memory, whose time is when.
package pagefile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Page is what the file says. It names no one.
type Page struct {
	Visits int  `json:"visits"` // how many began since the daemon started
	Open   bool `json:"open"`   // one is open
}

// Write puts a whole new file in the place of the one at path: nobody reads half
// of one. Everybody on the machine may read it.
func Write(path string, p Page) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("pagefile: %w", err)
	}
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(next, b, 0o644); err != nil {
		return fmt.Errorf("pagefile: %w", err)
	}
	if err := os.Chmod(next, 0o644); err != nil { // whatever the umask
		return fmt.Errorf("pagefile: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("pagefile: %w", err)
	}
	return nil
}

// Read reads the file at path, and when it was written.
func Read(path string) (Page, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Page{}, time.Time{}, fmt.Errorf("pagefile: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Page{}, time.Time{}, fmt.Errorf("pagefile: %w", err)
	}
	var p Page
	if err := json.Unmarshal(b, &p); err != nil {
		return Page{}, time.Time{}, fmt.Errorf("pagefile: %s: %w", path, err)
	}
	return p, info.ModTime(), nil
}
