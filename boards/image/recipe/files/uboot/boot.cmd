# Chooses a slot. RAUC writes BOOT_ORDER and BOOT_x_LEFT; each start takes one of a
# slot's three, and RAUC's mark-good gives them back.
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 0
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
  saveenv
  reset
fi
saveenv
setenv bootargs "root=${slot_root} rauc.slot=${slot} @CMDLINE@"
if load mmc 0:${slot_part} ${fdt_addr_r} ${fdtfile}; then echo "device tree ${fdtfile}"; else fdt addr ${fdt_addr}; setenv fdt_addr_r ${fdt_addr}; fi
if load mmc 0:${slot_part} ${kernel_addr_r} vmlinuz; then
  if load mmc 0:${slot_part} ${ramdisk_addr_r} initrd.img; then
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}
  fi
fi
echo "penjire: slot ${slot} cannot be read"
reset
