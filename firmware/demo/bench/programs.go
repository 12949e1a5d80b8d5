package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// programs prepares portal and kiosk.
func (b *Bench) programs() error {
	first := b.world
	if b.o.Fresh {
		first = b.world.Fresh()
	}
	err := b.putIn(first)
	if err != nil {
		return err
	}
	logs := filepath.Join(b.world.Dir, "log")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if b.portalLog, err = logTo(filepath.Join(logs, "portald.log")); err != nil {
		return err
	}
	if b.kioskLog, err = logTo(filepath.Join(logs, "penjired.log")); err != nil {
		return err
	}
	b.portal = &process{name: "portald", path: filepath.Join(b.o.Bin, "portald"), log: b.portalLog, wake: b.watch.Wake, args: func() []string {
		args := []string{"-dir", b.world.Portal(), "-web", b.public, "-sync", "127.0.0.1:0"}
		if b.o.Packs != "" {
			args = append(args, "-packs", b.o.Packs)
		}
		return append(args, b.o.Portal...)
	}}
	b.kiosk = &process{name: "penjired", path: filepath.Join(b.o.Bin, "penjired"), log: b.kioskLog, wake: b.watch.Wake, args: func() []string {
		return append(b.boardArgs(), b.o.Kiosk...)
	}, env: b.boardEnv}
	b.control = controlClient(func() string { return b.board.Load().Control() })
	return nil
}

// free returns host:port if nobody listens there, else another port.
func free(host string, port int) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			return "", fmt.Errorf("bench: find a free port: %w", err)
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// logKeep is how large a log of an earlier run may be before it begins anew.
const logKeep = 8 << 20

func logTo(name string) (*tail, error) {
	if i, err := os.Stat(name); err == nil && i.Size() > logKeep {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return &tail{to: f, max: 60}, nil
}
