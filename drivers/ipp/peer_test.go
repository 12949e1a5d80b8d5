package ipp_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/ipp"
)

// inside says, by its presence in the environment, that this process is in a
// network of its own.
const inside = "PENJIRE_IPPEVEPRINTER"

// TestCUPSPrintsTheDocument has ippeveprinter of CUPS, a printer that we did not
// write, take a document from the driver, run out of paper, jam and abort. It
// announces itself by D-Bus and Avahi and does not start without them, so all of
// them run in a network, a mount and a process namespace of this test's own.
func TestCUPSPrintsTheDocument(t *testing.T) {
	if os.Getenv(inside) != "" {
		insideNamespace(t)
		return
	}
	for prog, pkg := range map[string]string{"ippeveprinter": "cups-ipp-utils", "avahi-daemon": "avahi-daemon", "dbus-daemon": "dbus-daemon", "unshare": "util-linux"} {
		if _, err := exec.LookPath(prog); err != nil {
			leftOut(t, err.Error()+" (apt-get install "+pkg+")")
		}
	}
	if err := exec.CommandContext(t.Context(), "unshare", "-mnp", "--fork", "true").Run(); err != nil {
		leftOut(t, "no namespaces for this user: "+err.Error())
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-mnp", "--fork", "--kill-child", "--mount-proc",
		os.Args[0], "-test.run=^TestCUPSPrintsTheDocument$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("inside the namespace: %v", err)
	}
}

func leftOut(t *testing.T, why string) {
	t.Helper()
	devicetest.LeftOut(t, "the IPP driver was not tried against CUPS", why)
}

// print commands of the peer: one that prints, and one that jams and gives up.
const (
	goodPrinter = "#!/bin/sh\necho 'ATTR: job-impressions-completed=1' >&2\nexit 0\n"
	badPrinter  = "#!/bin/sh\necho 'STATE: +media-jam-error' >&2\necho 'ATTR: job-impressions-completed=1' >&2\nsleep 2\necho 'STATE: -media-jam-error' >&2\nexit 1\n"
)

func insideNamespace(t *testing.T) {
	ownNetwork(t)
	spool := t.TempDir()
	good, bad := peerPrinter(t, "good", "8631", goodPrinter, filepath.Join(spool, "good")), peerPrinter(t, "bad", "8632", badPrinter, filepath.Join(spool, "bad"))
	d := drive(t, good, ipp.Opts{})
	// It begins with Letter in its tray.
	until(t, d, "out of A4", func() bool { return d.Health() == device.UserError })
	_, err := d.Submit(t.Context(), devicetest.Paper(1, 1))
	wantCause(t, err, device.ErrNoPaper)
	loadTray(t, "8631", "iso_a4_210x297mm", "250")
	until(t, d, "online", func() bool { return d.Health() == device.Online })

	doc := devicetest.Paper(2, 1)
	id, err := d.Submit(t.Context(), doc)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	until(t, d, "completed", func() bool {
		j, err := d.Job(t.Context(), id)
		return err == nil && j.State == device.JobCompleted
	})
	// Printed is what was sent, byte for byte.
	r := doc.PDF.(*bytes.Reader)
	sent := make([]byte, r.Size())
	if _, err := r.ReadAt(sent, 0); err != nil {
		t.Fatal(err)
	}
	spooled, err := filepath.Glob(filepath.Join(spool, "good", "*.pdf"))
	if err != nil || len(spooled) != 1 {
		t.Fatalf("files of the printer = %v, %v, want one PDF", spooled, err)
	}
	got, err := os.ReadFile(spooled[0])
	if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Errorf("the printer has %d bytes of SHA-256 %x, want %d of %x", len(got), sha256.Sum256(got), len(sent), sha256.Sum256(sent))
	}
	if s, err := d.Supplies(t.Context()); err != nil || !slices.ContainsFunc(s, func(s device.Supply) bool { return s.Name == "Black Toner" && s.Percent == 75 }) {
		t.Errorf("Supplies = %v, %v, want black toner at 75 %%", s, err)
	}

	// media-empty: seen, and nothing is sent.
	loadTray(t, "8631", "iso_a4_210x297mm", "0")
	until(t, d, "out of paper", func() bool {
		m, err := d.Media(t.Context())
		return err == nil && m.Paper == device.PaperOut
	})
	_, err = d.Submit(t.Context(), devicetest.Paper(1, 1))
	wantCause(t, err, device.ErrNoPaper)

	// A jam is seen while the job runs, and the job is aborted, not printed.
	b := drive(t, bad, ipp.Opts{Job: 50 * time.Millisecond})
	loadTray(t, "8632", "iso_a4_210x297mm", "250")
	until(t, b, "online", func() bool { return b.Health() == device.Online })
	if id, err = b.Submit(t.Context(), devicetest.Paper(1, 2)); err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	jammed := false
	until(t, b, "aborted", func() bool {
		m, merr := b.Media(t.Context())
		jammed = jammed || merr == nil && m.Paper == device.PaperJammed
		j, err := b.Job(t.Context(), id)
		return err == nil && j.State == device.JobAborted
	})
	if !jammed {
		t.Error("the jam was never seen")
	}
	ipptool(t)
}

// ipptool has the independent client of CUPS speak to our emulated printer.
func ipptool(t *testing.T) {
	p, port := listen(t, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.pdf")
	doc := devicetest.Paper(1, 3)
	if err := os.WriteFile(file, readAll(t, doc), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []string{"get-printer-attributes.test", "validate-job.test", "print-job.test", "create-job.test", "get-jobs.test", "get-completed-jobs.test"} {
		out, err := exec.CommandContext(t.Context(), "ipptool", "-tI", "-f", file, "-d", "filetype=application/pdf", port.URI(), test).CombinedOutput()
		if err != nil || strings.Contains(string(out), "FAIL") {
			t.Errorf("ipptool %s: %v\n%s", test, err, out)
		}
	}
	if n := len(p.Prints()); n < 1 || !bytes.Equal(p.Prints()[0].Data, readAll(t, doc)) {
		t.Errorf("prints of ipptool: got %d, want the document", n)
	}
}

func readAll(t *testing.T, d device.Document) []byte {
	t.Helper()
	r := d.PDF.(*bytes.Reader)
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// until waits for ok, as long as a slow machine may need.
func until(t *testing.T, d device.Watcher, what string, ok func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%v: not within 30 s: %s (health %v)", d, what, d.Health())
		}
	}
}

func wantCause(t *testing.T, err, cause error) {
	t.Helper()
	e, ok := errors.AsType[*device.Error](err)
	if !ok || !errors.Is(err, cause) || e.SideEffect != device.SideEffectNo {
		t.Errorf("Submit = %v, want %v and no side effect", err, cause)
	}
}

// loadTray tells the peer, on its web page, what lies in its tray. An empty tray
// for envelopes would keep it from printing, too.
func loadTray(t *testing.T, port, size, sheets string) {
	t.Helper()
	q := url.Values{"size1": {size}, "type1": {"stationery"}, "level1": {sheets}, "size3": {"iso_dl_110x220mm"}, "type3": {"envelope"}, "level3": {"25"}}
	r, err := http.Get("http://localhost:" + port + "/media?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("load the tray: %v, %v", r.Status, err)
	}
}

// ownNetwork brings up the loopback and the daemons that announce printers.
func ownNetwork(t *testing.T) {
	t.Helper()
	must := func(what string, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("mount /run", unix.Mount("tmpfs", "/run", "tmpfs", 0, ""))
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	must("open a socket", err)
	lo, err := unix.NewIfreq("lo")
	must("name the loopback", err)
	lo.SetUint16(unix.IFF_UP)
	must("bring up the loopback", unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo))
	must("close a socket", unix.Close(s))
	must("make /run/dbus", os.MkdirAll("/run/dbus", 0o755))
	must("configure Avahi", os.WriteFile("/run/avahi.conf", []byte("[server]\nallow-interfaces=lo\nuse-ipv6=no\n"), 0o600))
	daemon(t, "dbus", "dbus-daemon", "--system", "--nofork", "--nopidfile")
	appears(t, "/run/dbus/system_bus_socket")
	daemon(t, "avahi", "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", "/run/avahi.conf")
	appears(t, "/run/avahi-daemon/socket")
}

// peerPrinter starts an ippeveprinter and returns its address.
func peerPrinter(t *testing.T, name, port, command, spool string) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "print")
	if err := errors.Join(os.Mkdir(spool, 0o755), os.WriteFile(script, []byte(command), 0o755)); err != nil {
		t.Fatal(err)
	}
	daemon(t, name, "ippeveprinter", "-n", "localhost", "-p", port, "-k", "-d", spool, "-c", script, "-f", "application/pdf,image/pwg-raster", name)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 400 {
		if r, err := http.Get("http://localhost:" + port + "/media"); err == nil {
			_ = r.Body.Close() // only that it answers
			return "ipp://localhost:" + port + "/ipp/print"
		}
		<-tick.C
	}
	t.Fatalf("ippeveprinter on port %s does not answer", port)
	return ""
}

// daemon starts a program that runs until the test ends.
func daemon(t *testing.T, name, prog string, args ...string) {
	t.Helper()
	log := new(bytes.Buffer)
	cmd := exec.Command(prog, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", prog, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log)
		}
	})
}

// appears waits for a file.
func appears(t *testing.T, name string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if _, err := os.Stat(name); err == nil {
			return
		}
		<-tick.C
	}
	t.Fatalf("%s does not appear", name)
}
