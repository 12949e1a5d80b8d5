package simulation

import (
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

// readDir returns the files of a folder. SQLite's shared memory is not on the
// medium.
func readDir(dir string) (map[string][]byte, error) {
	es, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, e := range es {
		if filepath.Ext(e.Name()) == ".db-shm" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out[e.Name()] = b
	}
	return out, nil
}

func writeDir(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
