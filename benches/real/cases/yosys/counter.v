// A counter with enable, load and a programmable limit.
module counter #(parameter WIDTH = 12) (
    input wire clk, input wire rst, input wire enable, input wire load,
    input wire [WIDTH-1:0] limit, input wire [WIDTH-1:0] value,
    output reg [WIDTH-1:0] count, output wire wrapped
);
    assign wrapped = enable && count == limit;
    always @(posedge clk)
        if (rst) count <= 0;
        else if (load) count <= value;
        else if (enable) count <= wrapped ? 0 : count + 1'b1;
endmodule
