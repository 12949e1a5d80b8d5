package appliance

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// sticks are memory sticks as people have them: with a partition, without one as many
// are sold, and of Linux.
var sticks = map[string]string{
	"FAT in a partition": `printf 'label: dos\nstart=2048,type=c\n' | sfdisk -q "$1"; mformat -i "$1@@1M" -F -v "NUSGA 1" ::`,
	"FAT on the whole":   `mformat -i "$1" -F -v "NUSGA 2" ::`,
	"ext4":               `printf 'label: dos\nstart=2048,type=83\n' | sfdisk -q "$1"; mke2fs -q -t ext4 -E offset=1048576 "$1" 100M`,
}

// memoryStick: a stick that is put in is there for the daemon to write to and to read,
// and away once it is pulled out, again and again. What it bears reaches the portal.
func memoryStick(ctx context.Context, k *kiosk) {
	c := k.client(ctx)
	for name, made := range sticks {
		code, err := c.complain(name)
		if err != nil {
			k.t.Fatal(err)
		}
		file := filepath.Join(k.t.TempDir(), "stick")
		if out, err := exec.Command("sh", "-ec", `truncate -s 128M "$1"; `+made, "sh", file).CombinedOutput(); err != nil {
			k.t.Fatalf("make a stick, %s: %v\n%s", name, err, out)
		}
		begun := time.Now()
		if err := k.m.PutIn(ctx, file); err != nil {
			k.t.Fatal(err)
		}
		k.run(ctx, "until mountpoint -q /media/stick; do sleep 1; done")
		k.t.Logf("%s: mounted after %.0f s: %s", name, time.Since(begun).Seconds(), strings.TrimSpace(k.run(ctx, "grep /media/stick /proc/mounts")))
		out := k.run(ctx, "penjire export --settings /data/kiosk/settings.json /media/stick 2>&1; ls -la /media/stick")
		k.t.Logf("%s, with %s:\n%s", name, code, out)
		if !strings.Contains(out, ".penjire") {
			k.t.Errorf("%s: nothing was exported to it", name)
		}
		if err := k.m.PullOut(ctx); err != nil {
			k.t.Fatal(err)
		}
		k.run(ctx, "while mountpoint -q /media/stick; do sleep 1; done")
	}
	k.shows(ctx, "stick", isStart)
	c.arrived(ctx)
}
