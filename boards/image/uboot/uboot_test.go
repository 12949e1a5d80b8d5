package uboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScript has U-Boot's own tool read our script.
func TestScript(t *testing.T) {
	tool, err := exec.LookPath("mkimage")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("mkimage of u-boot-tools is missing and PENJIRE_PEERS=require")
		}
		t.Skip("LEFT OUT: mkimage of u-boot-tools is not here; boot scripts were not read by it")
	}
	file := filepath.Join(t.TempDir(), "boot.scr")
	if err := os.WriteFile(file, Script("penjire", "echo hello\n", time.Unix(1e9, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-l", file).CombinedOutput()
	if err != nil {
		t.Fatalf("mkimage -l: %v\n%s", err, out)
	}
	for _, want := range []string{"penjire", "AArch64 Linux Script (uncompressed)", "Image 0: 11 Bytes"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("mkimage -l says\n%s\nwant %q in it", out, want)
		}
	}
}

func TestEnv(t *testing.T) {
	got, err := Env(map[string]string{"b": "2", "a": "1"})
	if err != nil || len(got) != EnvSize {
		t.Fatalf("Env = %d bytes, %v, want %d", len(got), err, EnvSize)
	}
	if want := "a=1\x00b=2\x00\x00"; string(got[4:4+len(want)]) != want {
		t.Errorf("Env begins %q, want %q", got[4:4+len(want)], want)
	}
	if _, err := Env(map[string]string{"a": strings.Repeat("x", EnvSize)}); err == nil {
		t.Error("Env with too much: no error")
	}
}
