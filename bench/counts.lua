-- Written by bench/count.lua --write: instructions, by distribution.
return {
  ["debian 12 x86_64 avx2"] = {
    ["a line of the log"] = 15014,
    ["a task"] = 12659,
    ["an event"] = 78875,
    ["get_all_devices of 5"] = 319716,
    ["get_all_devices of 50"] = 1782125,
    ["get_all_devices of 500"] = 16506707,
    ["get_disk of 5"] = 313714,
    ["get_disk of 50"] = 1704677,
    ["get_disk of 500"] = 15682649,
    ["get_info"] = 27063,
    ["is_active"] = 9372,
    ["start"] = 51911990,
    ["start to first answer"] = 57577391,
  },
}
