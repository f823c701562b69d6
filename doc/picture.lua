-- guestlua doc/picture.lua COMMAND: what standard input has, as an SVG of a terminal in which COMMAND was typed. `make picture` makes doc/demo.svg
-- with it.

local WIDTH, LINE, MARGIN = 8.4, 19, 16 -- of a character, of a line, around

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local lines = { "$ " .. (...) }
for line in io.lines() do
  line = line:gsub("^.*\r", "") -- of progress what it came to
  if line ~= "" then
    lines[#lines + 1] = line
  end
end

local columns = 0
for _, line in ipairs(lines) do
  columns = math.max(columns, utf8.len(line) or #line)
end
local width, height = math.ceil(columns * WIDTH) + 2 * MARGIN, #lines * LINE + 2 * MARGIN

print(('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">'):format(width, height, width, height))
print(("<title>%s, in a terminal</title>"):format(((...):gsub("[&<>]", escapes))))
print('<rect width="100%" height="100%" rx="8" fill="#16191d"/>')
print('<g font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="14" fill="#d7dae0" xml:space="preserve">')
for i, line in ipairs(lines) do
  local colour = i == 1 and ' fill="#7ee787" font-weight="bold"' or ""
  print(('<text x="%d" y="%d"%s>%s</text>'):format(MARGIN, MARGIN + i * LINE - 5, colour, (line:gsub("[&<>]", escapes))))
end
print("</g>\n</svg>")
