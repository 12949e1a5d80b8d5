package support

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Part is a file of a bundle. What made it says in Err why it is missing: a kiosk in
// trouble cannot say everything, and what is missing is told and not left out.
type Part struct {
	Name string // about.txt is the bundle's own
	What string // one line for whoever opens it
	Data []byte
	Err  error
}

// MaxPart is how much of a part is kept: of a log its end.
const MaxPart = 2 << 20

// Name returns the file name of a bundle made then.
func Name(kiosk string, at time.Time) string {
	return fmt.Sprintf("penjire-support-%s-%s.zip", kiosk, at.UTC().Format("20060102T150405Z"))
}

// Bundle makes a zip file of parts, with about.txt first: what is in it, why what is
// missing is, and a digest of each. The same parts and time make the same bytes.
func Bundle(kiosk, version string, at time.Time, parts []Part) ([]byte, error) {
	var about strings.Builder
	_, _ = fmt.Fprintf(&about, "Support bundle of kiosk %s, software %s, made %s.\n\n", kiosk, version, at.UTC().Format(time.RFC3339))
	about.WriteString("It names no citizen and holds no request, no key and no password. Read it before you send it.\n\n")
	for i := range parts {
		p := &parts[i]
		if over := len(p.Data) - MaxPart; over > 0 {
			p.Data = append([]byte("[its beginning is left out]\n"), p.Data[over:]...)
		}
		if p.Err != nil {
			_, _ = fmt.Fprintf(&about, "%s: %s. MISSING: %s\n", p.Name, p.What, Redact([]byte(p.Err.Error())))
			continue
		}
		_, _ = fmt.Fprintf(&about, "%s: %s. %d bytes, SHA-256 %x\n", p.Name, p.What, len(p.Data), sha256.Sum256(p.Data))
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	put := func(name string, b []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	err := put("about.txt", []byte(about.String()))
	for _, p := range parts {
		if err == nil && p.Err == nil {
			err = put(p.Name, p.Data)
		}
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("support: make a bundle: %w", err)
	}
	return out.Bytes(), nil
}

// units are those whose logs belong into a bundle.
var units = []string{"penjired", "penjire-screen", "penjire-panel", "penjire-first", "rauc", "ModemManager", "systemd-timesyncd"}

// lines is how many lines of a log there are at most.
const lines = "5000"

// Log returns what the machine's journal has of our units and of the kernel since
// the start before this one, redacted. It asks journalctl and may take seconds.
func Log(ctx context.Context) Part {
	p := Part{Name: "log.txt", What: "the last lines of the logs of our units and of the kernel, redacted"}
	args := []string{"--no-pager", "--quiet", "--output=short-iso", "--utc", "--lines=" + lines, "_TRANSPORT=kernel"}
	for _, u := range units {
		args = append(args, "+", "_SYSTEMD_UNIT="+u+".service")
	}
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	raw, err := cmd.Output()
	if err != nil {
		p.Err = fmt.Errorf("journalctl: %w: %s", err, bytes.TrimSpace(said.Bytes()))
		return p
	}
	p.Data = Redact(raw)
	return p
}
