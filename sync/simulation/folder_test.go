package simulation

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const ledgerFile = "ledger.db"

// base is where the simulated media are: memory, where there is some, for what a
// power cut leaves is simulated and needs no real flush.
var base = sync.OnceValue(func() string {
	const shm = "/dev/shm"
	if d, err := os.MkdirTemp(shm, "penjire-"); err == nil {
		_ = os.Remove(d)
		return shm
	}
	return os.TempDir()
})

// readDir returns the files of a folder, and of those in it. SQLite's shared memory
// is not on the medium.
func readDir(dir string) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".db-shm" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			out[name], err = os.ReadFile(path)
		}
		return err
	})
	return out, err
}

func writeDir(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
