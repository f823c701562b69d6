-- Written by bench/count.lua --write: instructions, by distribution.
return {
  ["debian 12 x86_64 avx2"] = {
    ["a line of the log"] = 17082,
    ["a task"] = 12971,
    ["an event"] = 66740,
    ["get_all_devices of 5"] = 329300,
    ["get_all_devices of 50"] = 1894348,
    ["get_all_devices of 500"] = 16655636,
    ["get_disk of 5"] = 301157,
    ["get_disk of 50"] = 1305552,
    ["get_disk of 500"] = 6944578,
    ["get_info"] = 26851,
    ["is_active"] = 9312,
    ["start"] = 32838836,
    ["start to first answer"] = 38350920,
  },
}
