# cmake -D FROM=cli/html.css -D NAME=html_style -D INTO=html_style.c -P embed.cmake: a text as a C array that ends with 0.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n    " bytes "${bytes}")
file(WRITE ${INTO} "#include \"html.h\"\n\nconst unsigned char ${NAME}[] = {\n    ${bytes}0 };\n")
