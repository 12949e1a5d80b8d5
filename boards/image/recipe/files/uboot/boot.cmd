# Chooses a slot. RAUC writes BOOT_ORDER and BOOT_x_LEFT; each start takes one of a
# slot's three, and RAUC's mark-good gives them back.
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 0
# What is kept, by name: U-Boot's own saveenv would keep besides what it found out of
# this machine, its network address too, and a card may be in another one tomorrow.
setenv keep "env export -c -s 0x4000 @INITRAMFS-AT@ BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT bootcmd bootdelay; fatwrite mmc 0:1 @INITRAMFS-AT@ uboot.env 0x4000"
setenv slot
for s in ${BOOT_ORDER}; do
  if test -z "${slot}"; then
    if test "${s}" = A; then
      if itest ${BOOT_A_LEFT} -gt 0; then
        setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
        setenv slot A; setenv slot_part @BOOT-A@; setenv slot_root @ROOT-A@
      fi
    elif test "${s}" = B; then
      if itest ${BOOT_B_LEFT} -gt 0; then
        setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        setenv slot B; setenv slot_part @BOOT-B@; setenv slot_root @ROOT-B@
      fi
    fi
  fi
done
echo "penjire: slot=${slot} order=${BOOT_ORDER} a_left=${BOOT_A_LEFT} b_left=${BOOT_B_LEFT}"
if test -z "${slot}"; then
  # Nothing starts: try everything once more, whatever was said of it.
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  run keep
  reset
fi
run keep
setenv bootargs "root=${slot_root} rauc.slot=${slot} @CMDLINE@"
# The slot's device tree, which has the board's overlays and is of the kernel's version.
# U-Boot puts in what only the machine knows: memory, addresses, serial number, screen.
if load mmc 0:${slot_part} @TREE-AT@ ${fdtfile}; then
  setenv from slot
  fdt addr @TREE-AT@
else
  # The firmware's may be where the kernel is decompressed.
  setenv from firmware
  fdt addr ${fdt_addr}
  fdt move ${fdt_addr} @TREE-AT@
fi
setenv overlays
fdt get value overlays /chosen penjire,overlays
echo "penjire: tree=${fdtfile} from=${from} overlays=${overlays}"
# The kernel is compressed: where it is decompressed, and how long it may be.
setenv kernel_comp_addr_r @DECOMPRESS-AT@
setenv kernel_comp_size @DECOMPRESSED@
if load mmc 0:${slot_part} @KERNEL-AT@ vmlinuz; then
  if load mmc 0:${slot_part} @INITRAMFS-AT@ initrd.img; then
    booti @KERNEL-AT@ @INITRAMFS-AT@:${filesize} @TREE-AT@
  fi
fi
echo "penjire: slot ${slot} cannot be read"
reset
