// The print button of the take-home sheet.
"use strict";
document.getElementById("print").addEventListener("click", () => window.print());
