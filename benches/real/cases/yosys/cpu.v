// An accumulator machine: 16-bit words, 8-bit addresses, two cycles an instruction.
//   [15:12] operation, [11:8] register, [7:0] immediate
module alu (input wire [3:0] op, input wire [15:0] a, input wire [15:0] b, output reg [15:0] y, output wire zero);
    always @*
        case (op)
            4'h0: y = b;
            4'h1: y = a + b;
            4'h2: y = a - b;
            4'h3: y = a & b;
            4'h4: y = a | b;
            4'h5: y = a ^ b;
            4'h6: y = a << b[3:0];
            4'h7: y = $signed(a) >>> b[3:0];
            default: y = {15'b0, a < b};
        endcase
    assign zero = y == 0;
endmodule

module cpu (
    input wire clk, input wire rst,
    output reg [7:0] address, input wire [15:0] fetched,
    output reg [15:0] port, output reg port_valid
);
    localparam FETCH = 1'b0, EXECUTE = 1'b1;
    reg state, flag;
    reg [15:0] instruction, accumulator;
    reg [15:0] registers [0:3];

    wire [3:0] op = instruction[15:12];
    wire [15:0] operand = instruction[11] ? {8'b0, instruction[7:0]} : registers[instruction[9:8]];
    wire [15:0] result;
    wire zero;
    alu unit (.op(op), .a(accumulator), .b(operand), .y(result), .zero(zero));

    always @(posedge clk)
        if (rst) begin
            state <= FETCH;
            address <= 0;
            accumulator <= 0;
            flag <= 0;
            port_valid <= 0;
        end else if (state == FETCH) begin
            instruction <= fetched;
            state <= EXECUTE;
            port_valid <= 0;
        end else begin
            state <= FETCH;
            address <= address + 1'b1;
            case (op)
                4'hd: registers[instruction[9:8]] <= accumulator;
                4'he: if (flag) address <= instruction[7:0];
                4'hf: begin
                    port <= accumulator;
                    port_valid <= 1;
                end
                default: begin
                    accumulator <= result;
                    flag <= zero;
                end
            endcase
        end
endmodule
