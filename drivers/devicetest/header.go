package devicetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Place is a number of a header of the kernel's: a C expression, and what a driver
// takes it for.
type Place struct {
	What string // "offsetof(struct v4l2_buffer, flags)"
	Is   int64
}

// Header has gcc say what the header of this machine ("linux/gpio.h") gives for each
// place. Without gcc or the header it leaves the test out.
func Header(t *testing.T, header string, places []Place) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err == nil {
		_, err = os.Stat(filepath.Join("/usr/include", header))
	}
	if err != nil {
		LeftOut(t, "what a driver takes for "+header+" was not compared with it", err.Error()+" (apt-get install gcc libc6-dev)")
	}
	var src, want bytes.Buffer
	fmt.Fprintf(&src, "#include <stdio.h>\n#include <stddef.h>\n#include <%s>\nint main(void) {\n", header)
	for _, p := range places {
		fmt.Fprintf(&src, "printf(\"%%s %%lu\\n\", \"%s\", (unsigned long)(%s));\n", p.What, p.What)
		fmt.Fprintf(&want, "%s %d\n", p.What, p.Is)
	}
	src.WriteString("return 0; }\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.c"), src.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), gcc, "-o", filepath.Join(dir, "a"), filepath.Join(dir, "a.c")).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	got, err := exec.CommandContext(t.Context(), filepath.Join(dir, "a")).Output()
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("the header says, %v:\n%s\nwant:\n%s", err, got, want.Bytes())
	}
}
