if (matchMedia("(min-width: 56rem)").matches) document.querySelector("details.lines").open = true;
