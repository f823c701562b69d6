-- Written by bench/count.lua --write: instructions, by distribution.
return {
  ["debian 12 x86_64 avx2"] = {
    ["a call of many at once"] = 41046,
    ["a line of the log"] = 14211,
    ["a subscription of a task"] = 6933,
    ["a task"] = 12454,
    ["an event"] = 68314,
    ["get_all_devices of 5"] = 306786,
    ["get_all_devices of 50"] = 1734481,
    ["get_all_devices of 500"] = 16343649,
    ["get_disk of 5"] = 278562,
    ["get_disk of 50"] = 1219631,
    ["get_disk of 500"] = 6699821,
    ["get_info"] = 27063,
    ["is_active"] = 9314,
    ["start"] = 28780702,
    ["start to first answer"] = 34321713,
  },
}
