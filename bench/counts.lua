-- Written by bench/count.lua --write: instructions, by distribution.
return {
  ["debian 12 x86_64 avx2"] = {
    ["a line of the log"] = 16442,
    ["a task"] = 13091,
    ["an event"] = 67159,
    ["get_all_devices of 5"] = 330086,
    ["get_all_devices of 50"] = 1893907,
    ["get_all_devices of 500"] = 16694628,
    ["get_disk of 5"] = 322482,
    ["get_disk of 50"] = 1801396,
    ["get_disk of 500"] = 15801999,
    ["get_info"] = 27176,
    ["is_active"] = 9378,
    ["start"] = 42329515,
    ["start to first answer"] = 47991471,
  },
}
