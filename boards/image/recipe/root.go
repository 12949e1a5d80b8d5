package recipe

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/penjire/penjire/boards/image/tree"
	"github.com/penjire/penjire/boards/layout"
)

// Root returns what is changed in the root file system that Debian's packages
// made, to be the image of b with layout l.
func (b Board) Root(l layout.Layout) (tree.Changes, error) {
	c := tree.Changes{
		Drop: dropped, Edit: map[string]func([]byte) []byte{
			"etc/passwd": passwd, "etc/group": group, "etc/shadow": shadow,
		},
		Dirs: map[string]tree.Meta{
			"data": {Mode: 0o755}, "efi": {Mode: 0o755}, "media/stick": {Mode: 0o755},
			"usr/local/share/polkit-1/rules.d": {Mode: 0o755},
		},
		Files: map[string]tree.File{}, Links: map[string]string{},
	}
	words := b.words(l)
	for _, folder := range b.Files {
		if err := walk("files/"+folder, func(at string, body []byte) {
			c.Files[at] = tree.File{Mode: 0o644, Body: []byte(words.Replace(string(body)))}
		}); err != nil {
			return tree.Changes{}, err
		}
	}
	maps.Copy(c.Links, links)
	for _, unit := range masked {
		c.Links["etc/systemd/system/"+unit] = "/dev/null"
	}
	c.Files["etc/machine-id"] = tree.File{Mode: 0o444} // empty: a new one at each start, and on no medium
	return c, nil
}

func walk(dir string, f func(at string, body []byte)) error {
	err := fs.WalkDir(data, dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := data.ReadFile(p)
		if err == nil {
			f(strings.TrimPrefix(p, dir+"/"), body)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("recipe: files: %w", err)
	}
	return nil
}

// links are symbolic links: what is started, and where files of programs are that
// want to write where nothing can be written.
var links = map[string]string{
	"etc/systemd/system/default.target":                                "/usr/lib/systemd/system/multi-user.target",
	"etc/systemd/system/multi-user.target.wants/penjired.service":      "/usr/lib/systemd/system/penjired.service",
	"etc/systemd/system/multi-user.target.wants/penjire-screen.path":   "/usr/lib/systemd/system/penjire-screen.path",
	"etc/systemd/system/multi-user.target.wants/penjire-first.service": "/usr/lib/systemd/system/penjire-first.service",
	"etc/systemd/system/sysinit.target.wants/penjire-panel.service":    "/usr/lib/systemd/system/penjire-panel.service",
	"etc/systemd/system/sysinit.target.wants/nftables.service":         "/usr/lib/systemd/system/nftables.service",
	"etc/systemd/system/timers.target.wants/penjire-trial@A.timer":     "/usr/lib/systemd/system/penjire-trial@.timer",
	"etc/systemd/system/timers.target.wants/penjire-trial@B.timer":     "/usr/lib/systemd/system/penjire-trial@.timer",
	"etc/resolv.conf": "/run/NetworkManager/resolv.conf",
	"etc/mtab":        "../proc/self/mounts",
}

// masked are units that a kiosk has no use for: logins on terminals, what wants to
// write to the root, and what runs by the clock for people with keyboards.
var masked = []string{
	"getty@tty1.service", "getty.target", "getty-static.service", "serial-getty@.service", "console-getty.service", "container-getty@.service",
	"autovt@.service", "debug-shell.service", "emergency.service", "rescue.service", "ctrl-alt-del.target",
	"systemd-ask-password-console.path", "systemd-ask-password-wall.path",
	"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
	"grub-common.service", "ldconfig.service", "systemd-firstboot.service", "systemd-sysusers.service", "systemd-hwdb-update.service",
	"systemd-journal-catalog-update.service", "systemd-machine-id-commit.service", "systemd-random-seed.service", "systemd-update-done.service",
	"systemd-journal-flush.service", "systemd-hibernate-clear.service", "systemd-pcrmachine.service", "systemd-update-utmp.service",
	"NetworkManager-wait-online.service", "systemd-networkd.service", "systemd-networkd.socket", "remote-fs.target", "proc-sys-fs-binfmt_misc.automount",
	"suspend.target", "hibernate.target", "hybrid-sleep.target", "suspend-then-hibernate.target", "systemd-sysext.socket", "systemd-creds.socket",
}

// words are what placeholders in files stand for.
func (b Board) words(l layout.Layout) *strings.Replacer {
	var slots strings.Builder
	for i, s := range layout.Slots {
		fmt.Fprintf(&slots, "[slot.%s.%d]\ndevice=%s\ntype=raw\nbootname=%s\n\n", layout.RootClass, i, l.Device(s.Root), s.Name)
		fmt.Fprintf(&slots, "[slot.%s.%d]\ndevice=%s\ntype=raw\nparent=%s.%d\n\n", layout.BootClass, i, l.Device(s.Boot), layout.RootClass, i)
	}
	lines := "grubenv=/efi/EFI/debian/grubenv"
	if b.Boot == UBoot {
		lines = "boot-attempts=3\nboot-attempts-primary=3"
	}
	a, z := layout.Slots[0], layout.Slots[1]
	return strings.NewReplacer(
		"@LOADER@", l.Identity(layout.Loader), "@COMPATIBLE@", layout.Compatible(b.Name),
		"@BOOTLOADER@", string(b.Boot), "@BOOTLOADER-LINES@", lines, "@SLOTS@", strings.TrimSuffix(slots.String(), "\n\n"),
		"@CMDLINE@", b.Cmdline, "@DISK@", fmt.Sprintf("%08x", layout.DiskID),
		"@BOOT-A@", fmt.Sprint(l.Partition(a.Boot).Number), "@BOOT-B@", fmt.Sprint(l.Partition(z.Boot).Number),
		"@KERNEL-AT@", hex(kernelAt), "@SCRIPT-AT@", hex(scriptAt), "@TREE-AT@", hex(treeAt), "@INITRAMFS-AT@", hex(initramfsAt),
		"@DECOMPRESS-AT@", hex(decompressAt), "@DECOMPRESSED@", hex(decompressed),
		"@ROOT-A@", l.Identity(a.Root), "@ROOT-B@", l.Identity(z.Root),
	)
}

// LoaderFile returns a file of the boot loader's configuration.
func (b Board) LoaderFile(l layout.Layout, name string) ([]byte, error) {
	body, err := data.ReadFile("files/" + name)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	return []byte(b.words(l).Replace(string(body))), nil
}

// dropped reports whether a path of Debian's is left out: what only building,
// a person at a terminal or another language needs.
func dropped(at string) bool {
	if strings.HasPrefix(at, "var/") {
		return true // a file system in memory goes over it
	}
	if m, ok := module(at); ok {
		return droppedModule(m)
	}
	if f, ok := strings.CutPrefix(at, "usr/lib/firmware/"); ok {
		return unusedFirmware(f)
	}
	for _, p := range droppedBelow {
		if at == p || strings.HasPrefix(at, p+"/") {
			return true
		}
	}
	for _, p := range droppedLike {
		if ok, _ := path.Match(p, at); ok {
			return true
		}
	}
	return false
}

// droppedBelow are folders and files with all that is in them.
var droppedBelow = []string{
	"boot", "vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old", "usr/lib/tmpfiles.d/provision.conf",
	"root/.bashrc", "root/.profile", "root/.ssh",
	"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/bash-completion", "usr/share/zsh", "usr/share/lintian", "usr/share/bug",
	"usr/share/grub", "usr/lib/grub", "etc/grub.d", "etc/default/grub",
	"usr/share/initramfs-tools", "etc/initramfs-tools", "usr/lib/initramfs-tools",
	"usr/lib/chromium/libVkLayer_khronos_validation.so", "usr/lib/udev/hwdb.d",
	"usr/share/mime/packages", "usr/share/applications", "usr/share/gtk-doc", "usr/share/perl", "usr/share/perl5", "usr/share/xml",
	"etc/motd", "etc/issue", "etc/issue.net", "etc/update-motd.d", "etc/skel", "etc/cron.daily", "etc/apt", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-",
	"usr/bin/Xwayland", "usr/bin/localedef",
}

// droppedLike are patterns of single files.
var droppedLike = []string{
	"usr/bin/grub-mk*", "usr/bin/grub-render*", "usr/bin/grub-fstest", "usr/bin/grub-file", "usr/bin/grub-mount", "usr/sbin/grub-*",
	"usr/share/icons/Adwaita/cursors/[a-ce-km-z]*",
	"etc/*-",
}
