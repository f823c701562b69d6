-- The page of virsh's commands, as Markdown.

local HEAD = [[
# virsh's commands

Each command of virsh, and what does the same here. Made by `make doc` from lua/guestlua/prompt/virsh.lua; specs run every line. Several lines in a
row are several ways, or several halves. `xml` is XML text, as of `io.open("web1.xml"):read("a")`, or an Element, and `uuid` a text. The pages of
the classes, such as [Guest](reference/Guest.md), have all options, and so has `help "guest.migrate"` at the prompt; `help "setvcpus"` has the row of
a command. What is used most stands in [coming from virsh](coming_from.md).
]]

-- In a table a | ends a column.
local function code(line)
  local ticks = line:find("`", 1, true) and "``" or "`"
  return ticks .. line:gsub("|", "\\|") .. ticks
end

local lines = { HEAD }
for _, section in ipairs(require("guestlua.prompt.virsh")) do
  lines[#lines + 1] = ("## %s\n"):format(section[1])
  if section[2] ~= "" then
    lines[#lines + 1] = ("    %s\n"):format((section[2]:gsub("\n", "\n    ")))
  end
  lines[#lines + 1] = "| virsh | guestlua |\n|---|---|"
  for _, row in ipairs({ table.unpack(section, 3) }) do
    local ways = {}
    for i = 2, #row do
      ways[#ways + 1] = code(row[i])
    end
    lines[#lines + 1] = ("| `%s`%s | %s |"):format(row[1], row.since and (" (virsh %s)"):format(row.since) or "",
      row.none and ("none: " .. row.none) or table.concat(ways, ", "))
  end
  lines[#lines + 1] = ""
end
return { ["doc/virsh.md"] = table.concat(lines, "\n") }
